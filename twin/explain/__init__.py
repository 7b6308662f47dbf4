"""Why the stack answers as it does: maps over the image, and what each learner added."""
