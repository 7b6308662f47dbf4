"""Messages that no loop can use: kept with reason and origin, shown, and sent again."""
