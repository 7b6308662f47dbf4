"""Who comes: synthetic patients, labelled images, nominal patients."""
