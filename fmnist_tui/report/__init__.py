"""The content of a comparison, and its output formats: tables, sentences, figures, exports."""
