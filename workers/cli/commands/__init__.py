"""The commands of `ken`, a file a subject: arguments, options and help."""
