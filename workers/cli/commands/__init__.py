"""The commands of `ken`, one file for each subject: arguments, options and help."""
