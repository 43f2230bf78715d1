//! Random lives of a world against a plain model, by hand-made time.
