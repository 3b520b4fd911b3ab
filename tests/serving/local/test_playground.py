"""The page in Chromium: what a person types and clicks, and sees."""

import contextlib
import pathlib
import re
import shutil

import pytest
from playwright.sync_api import expect, sync_playwright

from bert_tf.serving import local
from bert_tf.serving.export_lib import export
from bert_tf.tasks.registry import TASKS
from tests.serving import doubles
from tests.serving.local.running import running
from tests.serving.made_runs import write_run

pytestmark = pytest.mark.browser

PAGE = pathlib.Path(local.__file__).parent / "page/index.html"

SIGNATURES = {
    "pretrained": {
        "serving_default": doubles.fill_mask,
        "fill_mask": doubles.fill_mask,
        "embed": doubles.embed,
        "preprocess": doubles.preprocess,
        "encode": doubles.encode,
    },
    "spam": {"serving_default": doubles.classify},
    "names": {"serving_default": doubles.entities},
    "answers": {"serving_default": doubles.question_answering},
    "alike": {"serving_default": doubles.score, "embed": doubles.embed},
    "choices": {"serving_default": doubles.choose},
    "summaries": {"serving_default": doubles.summarise},
    "writer": {"serving_default": doubles.write},
    "unknown": {"label": lambda: doubles.examples()["label"]},
}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A folder of a model for each name, made when it is asked for."""
    root = tmp_path_factory.mktemp("models")

    def folder(name):
        path = root / name
        if not path.exists():
            path.mkdir()
            functions = {key: make() for key, make in SIGNATURES[name].items()}
            doubles.save(path / "1", **functions)
        return path

    return folder


@pytest.fixture(scope="module")
def chromium():
    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        yield browser
        browser.close()


@pytest.fixture
def visit(models, chromium):
    """Opens the page of a model; the test fails if the page has an error of its own."""
    errors = []
    with contextlib.ExitStack() as stack:

        def open_page(name, **context_options):
            url = stack.enter_context(running(name, models(name)))
            context = chromium.new_context(**context_options)
            stack.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(60_000)
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on(
                "console",
                lambda message: message.type == "error" and errors.append(message.text),
            )
            page.goto(url)
            return page

        yield open_page
    # A status that is no success is told on the console, and to the person.
    assert [each for each in errors if "Failed to load resource" not in each] == []


# What a page of each task's export shows, in this order.
PANELS = {
    "classification": ["Classify a text", "Compare two texts", "One word, many meanings"],
    "fill_mask": ["Fill in words", "Compare two texts", "One word, many meanings"],
    "multiple_choice": ["Choose"],
    "pair_classification": ["Classify two texts"],
    "pair_regression": ["Compare two texts"],
    "question_answering": ["Answer a question"],
    "seq2seq": [
        "Write a text from a text",
        "Compare two texts",
        "One word, many meanings",
    ],
    "similarity": ["Compare two texts"],
    "summarisation": ["Sum up a text", "Compare two texts", "One word, many meanings"],
    "tagging": ["Find names", "Compare two texts", "One word, many meanings"],
}


def test_every_task_is_known():
    assert PANELS.keys() == TASKS.keys()


@pytest.mark.parametrize("task", PANELS)
def test_an_export_answers_in_all_its_panels(chromium, tmp_path, task):
    export(write_run(tmp_path, task), str(tmp_path / "export"))
    with running(task, tmp_path / "export") as url:
        page = chromium.new_page()
        page.goto(url)

        expect(page.get_by_role("heading", level=2)).to_have_text(PANELS[task])
        for title in PANELS[task]:
            answer = ask(panel(page, title))
            expect(answer).not_to_be_empty()
            expect(answer.get_by_role("alert")).to_have_count(0)
        page.close()


def panel(page, title):
    return page.get_by_role("region", name=title)


def ask(section, **fields):
    for label, text in fields.items():
        name = re.compile(f"^{label.replace('_', ' ')}")  # a hint may follow
        section.get_by_role("textbox", name=name).fill(text)
    section.get_by_role("button", name="Ask").click()
    return section.locator(".answer")


def marks(answer):
    return answer.locator("mark").evaluate_all(
        "marks => marks.map((mark) => mark.firstChild.textContent)"
    )


def test_masks_are_filled_in(visit):
    page = visit("pretrained")

    answer = ask(panel(page, "Fill in words"), Text="Ein [MASK], ein [MASK]. 😀")

    expect(answer.locator(".text")).to_have_text("Ein apple, ein apple. 😀")
    expect(answer.get_by_role("list")).to_have_count(2)
    bars = answer.get_by_role("list").first.get_by_role("listitem")
    expect(bars).to_have_text(["apple70.0 %", "pear20.0 %", "list10.0 %"])
    widths = bars.locator(".bar").evaluate_all(
        "bars => bars.map((bar) => bar.style.width)"
    )
    assert [float(width.rstrip("%")) for width in widths] == [70, 20, 10]


def test_a_text_without_a_mask(visit):
    page = visit("pretrained")

    answer = ask(panel(page, "Fill in words"), Text="Nothing is missing.")

    expect(answer).to_have_text("Write [MASK] where a word is missing.")


def test_a_class_and_its_probability(visit):
    page = visit("spam")
    section = panel(page, "Classify a text")

    answer = ask(section, Text="Get it FREE now")

    expect(answer.locator(".main")).to_have_text("spam")
    expect(answer.get_by_role("listitem")).to_have_text(["spam90.0 %", "ham10.0 %"])

    answer = ask(section, Text="See you at noon")

    expect(answer.locator(".main")).to_have_text("ham")


def test_names_are_marked_whatever_comes_before_them(visit):
    page = visit("names")

    answer = ask(
        panel(page, "Find names"), Text="né à 東京 😀 Zoë trifft\nÉmile 👩‍👩‍👧 und Bob"
    )

    expect(answer.locator("mark")).to_have_count(3)
    assert marks(answer) == ["Zoë", "Émile", "Bob"]
    expect(answer.locator("mark small").first).to_have_text("NAME 80.0 %")
    expect(page.get_by_role("region")).to_have_count(1)  # no other of the same words


def test_no_names(visit):
    page = visit("names")

    answer = ask(panel(page, "Find names"), Text="nobody")

    expect(answer).to_contain_text("No names in this text.")


def test_an_answer_is_marked_in_its_text(visit):
    page = visit("answers")
    section = panel(page, "Answer a question")

    answer = ask(section, Question="Wo?", Text="Das 😀 Café war in der Rotenturmstraße")

    expect(answer.locator(".main")).to_have_text("Rotenturmstraße")
    assert marks(answer) == ["Rotenturmstraße"]
    expect(answer.get_by_role("listitem")).to_have_text(
        ["Rotenturmstraße7.50", "Das2.50", "(no answer)1.00"]
    )


def test_no_answer(visit):
    page = visit("answers")

    answer = ask(panel(page, "Answer a question"), Question="", Text="One two three")

    expect(answer.locator(".main")).to_have_text("No answer in this text.")
    expect(answer.locator("mark")).to_have_count(0)
    expect(answer.get_by_role("listitem").last).to_have_text("(no answer)9.00")


def test_two_texts_are_compared(visit):
    page = visit("alike")
    section = panel(page, "Compare two texts")
    expect(section).to_have_count(1)

    answer = ask(section, First_text="the same", Second_text="the same")
    expect(answer.locator(".main")).to_have_text("1.00")

    answer = ask(section, Second_text="another")
    expect(answer.locator(".main")).to_have_text("0.25")


def test_two_texts_are_compared_by_their_vectors(visit):
    page = visit("pretrained")

    answer = ask(panel(page, "Compare two texts"), First_text="", Second_text="aaaa")

    # Between (0, 1) and (4, 1).
    expect(answer.get_by_role("listitem")).to_have_text("Alike0.24")


def test_one_of_several_choices(visit):
    page = visit("choices")

    answer = ask(panel(page, "Choose"), Choices="tea\n\n a bicycle \n")

    expect(answer.get_by_role("listitem")).to_have_text(["a bicycle75.0 %", "tea25.0 %"])


def test_a_summary(visit):
    page = visit("summaries")

    answer = ask(
        panel(page, "Sum up a text"), Text="Élan vital. Nobody knows. Über alles"
    )

    expect(answer.get_by_role("listitem")).to_have_text(
        ["Élan vital90.0 %", "Über alles60.0 %"]
    )
    assert marks(answer) == ["Élan vital", "Über alles"]


def test_a_text_is_written(visit):
    page = visit("writer")

    answer = ask(panel(page, "Write a text from a text"), Text="walk\nleft")

    expect(answer.locator("blockquote")).to_have_text("WALK LEFT")
    expect(answer).to_contain_text("−1.50")


def test_the_same_word_has_other_vectors_in_other_sentences(visit):
    page = visit("pretrained")
    section = panel(page, "One word, many meanings")

    answer = ask(section)

    expect(answer.get_by_role("img")).to_be_visible()
    expect(answer.locator("circle")).to_have_count(6)
    expect(answer.locator("svg text")).to_have_text(["1", "2", "3", "4", "5", "6"])
    expect(answer.get_by_role("listitem")).to_have_count(6)
    expect(answer.locator("b")).to_have_text(["apple"] * 3 + ["Apple"] * 3)
    places = answer.locator("circle").evaluate_all(
        "dots => dots.map((dot) => [dot.getAttribute('cx'), dot.getAttribute('cy')])"
    )
    assert len({tuple(place) for place in places}) == 6
    box = answer.locator("svg").evaluate("svg => svg.viewBox.baseVal.width")
    assert all(0 < float(x) < box for x, _ in places)


def test_the_same_sentence_has_the_same_place(visit):
    page = visit("pretrained")
    sentences = "An apple a day\nAn apple a day\nNo Apple here"

    answer = ask(panel(page, "One word, many meanings"), Sentences=sentences)

    expect(answer.get_by_role("listitem").first).to_contain_text("most like 2 (1.00)")
    circles = answer.locator("circle")
    for name in ("cx", "cy"):
        first, second = (circles.nth(index).get_attribute(name) for index in (0, 1))
        assert float(first) == pytest.approx(float(second), abs=0.1)


def test_a_word_with_marks_in_it(visit):
    page = visit("pretrained")
    sentences = "My mother-in-law ran\nA Mother-in-law sat\nNo mother-in-law (here)"

    answer = ask(
        panel(page, "One word, many meanings"), Word="mother-in-law", Sentences=sentences
    )

    expect(answer.locator("b")).to_have_text(
        ["mother-in-law", "Mother-in-law", "mother-in-law"]
    )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"Sentences": "an apple\ntwo apples\nno apple"},
            "“apple” is not in: two apples",
        ),
        ({"Sentences": "an apple"}, "Write at least three sentences."),
        ({"Word": "(*"}, "“(*” is not in: She ate an apple with her lunch."),
    ],
)
def test_what_the_map_needs_is_told(visit, fields, message):
    page = visit("pretrained")

    answer = ask(panel(page, "One word, many meanings"), **fields)

    expect(answer.get_by_role("alert")).to_have_text(message)


def test_text_is_never_markup(visit):
    page = visit("names")

    answer = ask(panel(page, "Find names"), Text="<img src=x> Bob <b>x</b>")

    expect(answer.locator(".text")).to_contain_text("<img src=x> Bob")
    expect(answer.locator("img, b")).to_have_count(0)


def test_it_is_usable_by_keyboard(visit):
    page = visit("spam")
    expect(panel(page, "Classify a text")).to_be_visible()

    page.keyboard.press("Tab")
    expect(page.locator("summary")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Address")).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    field = page.get_by_role("textbox", name="Text")
    expect(field).to_be_focused()
    expect(field).to_have_css("outline-width", "2px")
    page.keyboard.press("Control+A")
    page.keyboard.type("free")
    page.keyboard.press("Control+Enter")

    expect(page.locator(".main")).to_have_text("spam")


def test_another_server_with_and_without_its_leave(visit, models):
    page = visit("spam")
    with running("names", models("names"), enable_cors=True) as url:
        page.get_by_text("Server and model").click()
        page.get_by_label("Address").fill(f"{url}/")
        page.get_by_label("Model").fill("names")
        page.get_by_role("button", name="Connect").click()
        answer = ask(panel(page, "Find names"), Text="this is Bob")
        expect(answer.locator("mark")).to_have_count(1)
        expect(page.get_by_role("heading", level=1)).to_have_text("names")
        expect(page.get_by_role("status")).to_have_text(f"Version 1 at {url}")

        page.get_by_label("Model").fill("nobody")
        page.get_by_role("button", name="Connect").click()
        expect(page.get_by_role("alert")).to_have_text(
            "The server says: Servable not found for request: Latest(nobody)"
        )


def test_the_page_as_a_file_asks_any_server(chromium, models):
    with running("names", models("names"), enable_cors=True) as url:
        page = chromium.new_page()
        page.goto(PAGE.as_uri())
        expect(page.get_by_role("status")).to_have_text("Which server and model?")
        page.get_by_label("Address").fill(url)
        page.get_by_label("Model").fill("names")
        page.get_by_role("button", name="Connect").click()

        answer = ask(panel(page, "Find names"), Text="this is Bob")

        expect(answer.locator("mark")).to_have_count(1)
        expect(page.get_by_role("heading", level=1)).to_have_text("names")
        page.close()


def test_a_server_that_lets_nobody_ask(chromium, models):
    with (
        running("spam", models("spam")) as own,
        running("names", models("names")) as other,
    ):
        page = chromium.new_page()
        page.goto(own)
        page.get_by_text("Server and model").click()
        page.get_by_label("Address").fill(other)
        page.get_by_role("button", name="Connect").click()

        expect(page.get_by_role("alert")).to_contain_text(f"{other} cannot be reached")
        page.close()


def test_a_server_that_has_gone(models, chromium):
    with running("spam", models("spam")) as url:
        page = chromium.new_page()
        page.goto(url)
        section = panel(page, "Classify a text")
        expect(section).to_be_visible()

    answer = ask(section, Text="anybody?")

    expect(answer.get_by_role("alert")).to_contain_text("cannot be reached")
    page.close()


def test_signatures_that_it_does_not_know(visit):
    page = visit("unknown")

    expect(page.get_by_role("alert")).to_contain_text(re.compile("knows none .* label"))


@pytest.mark.parametrize("width", [320, 1200])
def test_it_fits_a_phone(visit, width):
    page = visit("pretrained", viewport={"width": width, "height": 700})
    answer = ask(panel(page, "One word, many meanings"))
    expect(answer.get_by_role("img")).to_be_visible()

    overflow = page.locator("html").evaluate("it => it.scrollWidth - it.clientWidth")

    assert overflow == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(visit, scheme):
    page = visit("names", color_scheme=scheme)
    answer = ask(panel(page, "Find names"), Text="this is Bob")
    expect(answer.locator("mark")).to_have_count(1)

    for selector in (".kicker", ".quiet", "h2", "label", "button", "mark small"):
        text, background = page.locator(selector).first.evaluate(
            """(it) => {
              const text = getComputedStyle(it).color;
              while (getComputedStyle(it).backgroundColor === 'rgba(0, 0, 0, 0)') {
                it = it.parentElement;
              }
              return [text, getComputedStyle(it).backgroundColor];
            }"""
        )
        assert contrast(text, background) >= 4.5, selector


def contrast(first, second):
    """WCAG's, from 1 to 21."""
    dark, light = sorted(luminance(color) for color in (first, second))
    return (light + 0.05) / (dark + 0.05)


def luminance(color):
    channels = [int(each) / 255 for each in re.findall(r"\d+", color)[:3]]
    red, green, blue = (
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4
        for each in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
