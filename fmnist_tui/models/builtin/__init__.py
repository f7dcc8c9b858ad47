"""The built-in models, one file each with a `SPEC`; the registry finds every file in this folder."""
