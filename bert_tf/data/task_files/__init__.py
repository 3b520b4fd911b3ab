"""Files of labelled examples: one module a family of formats, lists of examples out."""
