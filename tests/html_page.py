"""Reads a report as a browser does, but strictly."""

import html.parser


class Page(html.parser.HTMLParser):
    """Checks that elements are closed in order; collects rows of tables and pairs."""

    VOID = ("meta",)

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.texts = [], [], []
        self.rows, self.pairs = {}, {}
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append((tag, len(self.texts)))
        if tag == "tr":
            self.cells = []

    def handle_endtag(self, tag):
        opened, start = self.open.pop()
        assert tag == opened
        content = self.texts[start:]
        if tag in ("th", "td"):
            self.cells.append(content)
        elif tag == "tr":
            (name, *_), *others = self.cells
            self.rows[name] = ["".join(texts) for texts in others]
        elif tag == "dt":
            self.term = "".join(content)
        elif tag == "dd":
            self.pairs[self.term] = "".join(content)

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        return "".join(self.texts)
