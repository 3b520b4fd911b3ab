"""From a run to a SavedModel that answers raw text."""
