"""How good answers are and how sure that is: figures, intervals over lesions, differences."""
