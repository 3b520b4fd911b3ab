"""A development server that answers as TF Serving's REST interface does.

It is a stand-in for trying an export where there is no TF Serving, not a replacement: one
model, no batching of requests, no monitoring.
"""
