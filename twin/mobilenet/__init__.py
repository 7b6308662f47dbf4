"""MobileNetV2 (Sandler et al. 2018): its layers, costs, and direct classification with it."""
