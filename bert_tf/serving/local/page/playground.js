// The page of the playground: asks a server's REST interface what its model can do, and shows
// a panel for each of the signatures that it knows. Speaks to TensorFlow Serving as well.
"use strict";

const DEFAULT_SIGNATURE = "serving_default";
const SECONDS_TO_WAIT = 120;
const NUM_TINTS = 6;
const MAX_SENTENCES = 20; // on the map

// --- Elements ---------------------------------------------------------------------------

function element(tag, attributes = {}, ...children) {
  const isDrawing = ["svg", "circle", "line", "text"].includes(tag);
  const made = isDrawing
    ? document.createElementNS("http://www.w3.org/2000/svg", tag)
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function paragraph(text, className = "quiet") {
  return element("p", { class: className }, text);
}

function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}

// A minus sign rather than a hyphen.
function number(value, digits = 2) {
  return value.toFixed(digits).replace("-", "−");
}

// [name, share from 0 to 1, what is told of it], the first the best one.
function bars(rows) {
  return element("ol", { class: "bars" }, ...rows.map(([name, share, told], index) => {
    const bar = element("div", { class: "bar" });
    bar.style.width = `${100 * Math.min(1, Math.max(0, share))}%`;
    return element("li", index ? {} : { class: "best" },
      element("span", { dir: "auto" }, name),
      element("div", { class: "track", "aria-hidden": "true" }, bar),
      element("span", { class: "value" }, told));
  }));
}

function probabilityBars(names, probabilities) {
  return bars(names
    .map((name, index) => [name, probabilities[index], percent(probabilities[index])])
    .sort((a, b) => b[1] - a[1]));
}

// --- Bytes of UTF-8, which servers count, and positions in strings ------------------------

// positions[byte] is the place in the string of the character that begins there.
function bytePositions(text) {
  const positions = [];
  let at = 0;
  let numBytes = 0;
  for (const character of text) {
    positions[numBytes] = at;
    const code = character.codePointAt(0);
    numBytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    at += character.length;
  }
  positions[numBytes] = at;
  return positions;
}

// The text with marks, each of `start` and `end` in bytes, `className` and `label`.
function marked(text, spans) {
  const positions = bytePositions(text);
  const made = element("p", { class: "text", dir: "auto" });
  let done = 0;
  for (const span of [...spans].sort((a, b) => a.start - b.start)) {
    const [start, end] = [positions[span.start], positions[span.end]];
    if (start === undefined || end === undefined || start < done) continue;
    const mark = element("mark", { class: span.className ?? "" }, text.slice(start, end));
    if (span.label) mark.append(element("small", {}, span.label));
    made.append(text.slice(done, start), mark);
    done = end;
  }
  made.append(text.slice(done));
  return made;
}

// The same tint for the same name, whatever others there are.
function tintOf(name) {
  let sum = 0;
  for (const character of name) sum = (31 * sum + character.codePointAt(0)) % 65521;
  return `tint-${sum % NUM_TINTS}`;
}

// --- The server ---------------------------------------------------------------------------

class Server {
  constructor(address, model) {
    this.address = address.replace(/\/+$/, "");
    this.path = `/v1/models/${encodeURIComponent(model)}`;
    this.signatures = {};
  }

  async connect() {
    const answer = await this.request("/metadata");
    this.version = answer.model_spec.version;
    this.signatures = answer.metadata.signature_def.signature_def;
  }

  // A server leaves out the name of an only output.
  async predict(signature, instances) {
    const names = Object.keys(this.signatures[signature].outputs);
    const body = { signature_name: signature, instances };
    const { predictions } = await this.request(":predict", body);
    if (names.length > 1) return predictions;
    return predictions.map((value) => ({ [names[0]]: value }));
  }

  async request(path, body) {
    // As plain text, so that a browser need not ask the server whether it may.
    const options = body && { method: "POST", body: JSON.stringify(body) };
    let response;
    try {
      const signal = AbortSignal.timeout(1000 * SECONDS_TO_WAIT);
      response = await fetch(this.address + this.path + path, { signal, ...options });
    } catch (error) {
      throw new Error(error.name === "TimeoutError"
        ? `${this.address} has not answered within ${SECONDS_TO_WAIT} seconds.`
        : `${this.address} cannot be reached. Is the server running, and does it let other `
          + "pages ask it (CORS)?");
    }
    let answer;
    try {
      answer = await response.json();
    } catch {
      throw new Error(`${this.address} answered with something else than JSON `
        + `(status ${response.status}). Is it a TensorFlow Serving?`);
    }
    if (!response.ok) throw new Error(`The server says: ${answer.error}`);
    return answer;
  }
}

// --- The panels ---------------------------------------------------------------------------

// Each with the inputs of its signature, the outputs that tell it, the fields of its form, and
// what is made of the answer. `ask` is for those that are not one request with the fields;
// `unless` is an output whose panel shows the same and more.
const PANELS = [
  {
    title: "Fill in words",
    inputs: ["text"],
    outputs: ["tokens", "probabilities", "num_masks"],
    fields: { text: ["Text", "The [MASK] of the list.", "[MASK] where a word is missing"] },
    show(answer, { text }) {
      if (!answer.num_masks) return [paragraph("Write [MASK] where a word is missing.")];
      const shown = [filledIn(text, answer)];
      for (let mask = 0; mask < answer.num_masks; mask += 1) {
        if (answer.num_masks > 1) shown.push(element("h3", {}, `Mask ${mask + 1}`));
        shown.push(probabilityBars(answer.tokens[mask], answer.probabilities[mask]));
      }
      return shown;
    },
  },
  {
    title: "Classify a text",
    inputs: ["text"],
    outputs: ["label", "probabilities", "labels"],
    fields: { text: ["Text", "A film that stays with you for days."] },
    show: showClasses,
  },
  {
    title: "Classify two texts",
    inputs: ["text", "text_pair"],
    outputs: ["label", "probabilities", "labels"],
    fields: {
      text: ["First text", "A man plays the guitar on a stage."],
      text_pair: ["Second text", "Somebody makes music."],
    },
    show: showClasses,
  },
  {
    title: "Find names",
    inputs: ["text"],
    outputs: ["entity_labels", "entity_starts", "entity_ends", "entity_scores"],
    fields: { text: ["Text", "Zoë Šimić flew from Zürich to New York with Air France."] },
    show(answer, { text }) {
      const spans = answer.entity_labels.map((label, index) => ({
        start: answer.entity_starts[index],
        end: answer.entity_ends[index],
        className: tintOf(label),
        label: label && `${label} ${percent(answer.entity_scores[index])}`,
      })).filter((span) => span.label);
      const shown = [marked(text, spans)];
      return spans.length ? shown : [...shown, paragraph("No names in this text.")];
    },
  },
  {
    title: "Label words",
    inputs: ["text"],
    outputs: ["words", "labels", "scores"],
    unless: "entity_labels",
    fields: { text: ["Text", "The old man the boats."] },
    show(answer) {
      const words = answer.words.filter((word) => word);
      return [element("p", { class: "tagged", dir: "auto" }, ...words.map((word, index) =>
        element("ruby", { title: percent(answer.scores[index]) },
          word, element("rt", {}, answer.labels[index]))))];
    },
  },
  {
    title: "Answer a question",
    inputs: ["question", "context"],
    outputs: ["answer", "start", "end", "null_score", "n_best_answers", "n_best_scores"],
    fields: {
      question: ["Question", "Where was the first café of Vienna?"],
      context: ["Text", "Johannes Theodat opened Vienna’s first café — a single room — in "
        + "1685, in his own house on the Rotenturmstraße.", "", 5],
    },
    show(answer, { context }) {
      const spans = answer.answer ? [{ start: answer.start, end: answer.end }] : [];
      const scores = answer.n_best_answers
        .map((text, index) => [text, answer.n_best_scores[index]])
        .filter(([text]) => text);
      return [
        paragraph(answer.answer || "No answer in this text.", "main"),
        marked(context, spans),
        element("h3", {}, "Scores"),
        scored([...scores, ["(no answer)", answer.null_score]]),
      ];
    },
  },
  {
    title: "Compare two texts",
    inputs: ["text", "text_pair"],
    outputs: ["score"],
    fields: {
      text: ["First text", "A dog runs across the meadow."],
      text_pair: ["Second text", "An animal is running over grass."],
    },
    show: ({ score }) => [paragraph(number(score), "main")],
  },
  {
    title: "Compare two texts",
    inputs: ["text"],
    outputs: ["mean_pooled_output"],
    unless: "score",
    fields: {
      text: ["First text", "A dog runs across the meadow."],
      text_pair: ["Second text", "An animal is running over grass."],
    },
    async ask(server, signatures, { text, text_pair }) {
      const rows = await server.predict(signatures[0], [{ text }, { text: text_pair }]);
      return { score: cosine(...rows.map((row) => row.mean_pooled_output)) };
    },
    show: ({ score }) => [
      bars([["Alike", score, number(score)]]),
      paragraph("The cosine of the two texts’ mean vectors. Of a model that was not trained to "
        + "compare, only differences between such numbers tell something."),
    ],
  },
  {
    title: "Choose",
    inputs: ["text", "choices"],
    outputs: ["choice", "probabilities"],
    fields: {
      text: ["Text", "She put the kettle on because she wanted"],
      choices: ["Choices", "some tea.\nto sleep.\na bicycle.", "one a line", 3],
    },
    async ask(server, signatures, { text, choices }) {
      const lines = linesOf(choices);
      if (!lines.length) throw new Error("Write at least one choice.");
      const [answer] = await server.predict(signatures[0], [{ text, choices: lines }]);
      return { ...answer, lines };
    },
    show: ({ lines, probabilities }) => [probabilityBars(lines, probabilities)],
  },
  {
    title: "Sum up a text",
    inputs: ["text"],
    outputs: ["sentences", "starts", "ends", "scores"],
    fields: {
      text: ["Text", "The river rose overnight. By noon it had reached the old bridge. Nobody "
        + "was hurt. The town opened its school to those who had to leave. Rain is forecast "
        + "until Friday.", "", 7],
    },
    show(answer, { text }) {
      const chosen = answer.sentences
        .map((sentence, index) => [sentence, answer.scores[index]])
        .filter(([sentence]) => sentence);
      const spans = answer.starts.map((start, index) => ({ start, end: answer.ends[index] }));
      return [
        marked(text, spans.filter(({ start, end }) => end > start)),
        element("h3", {}, "The summary"),
        scored(chosen, percent),
      ];
    },
  },
  {
    title: "Write a text from a text",
    inputs: ["text"],
    outputs: ["generated"],
    fields: { text: ["Text", "jump twice and walk left"] },
    show: ({ generated, score }) => [
      element("blockquote", { dir: "auto" }, generated),
      paragraph(`Logarithm of its probability: ${number(score)}`),
    ],
  },
  {
    title: "One word, many meanings",
    inputs: ["text"],
    outputs: ["input_word_ids", "input_mask", "input_type_ids"],
    second: {
      inputs: ["input_word_ids", "input_mask", "input_type_ids"],
      outputs: ["sequence_output"],
    },
    fields: {
      word: ["Word", "apple"],
      sentences: ["Sentences", [
        "She ate an apple with her lunch.",
        "He peeled a green apple for the cake.",
        "The apple fell far from the tree.",
        "Apple presented a new phone today.",
        "Shares of Apple rose after the report.",
        "The lawyers of Apple went to court.",
      ].join("\n"), "one a line, each with the word in it", 6],
    },
    ask: askForMap,
    show: showMap,
  },
];

function filledIn(text, { tokens, num_masks }) {
  const made = element("p", { class: "text", dir: "auto" });
  text.split("[MASK]").forEach((part, index) => {
    if (index > num_masks) made.append("[MASK]"); // cut off: the text is too long
    else if (index) made.append(element("mark", {}, tokens[index - 1][0].replace("##", "")));
    made.append(part);
  });
  return made;
}

function showClasses({ label, labels, probabilities }) {
  return [paragraph(label, "main"), probabilityBars(labels, probabilities)];
}

function scored(rows, tell = number) {
  return element("ol", { class: "ranked" }, ...rows.map(([text, score]) =>
    element("li", { dir: "auto" }, text, element("small", {}, tell(score)))));
}

function linesOf(text) {
  return text.split("\n").map((line) => line.trim()).filter((line) => line);
}

// --- The map: vectors of one word in several sentences -------------------------------------

async function askForMap(server, [preprocess, encode], { word, sentences }) {
  const lines = linesOf(sentences).slice(0, MAX_SENTENCES);
  if (lines.length < 3) throw new Error("Write at least three sentences.");
  const places = lines.map((line) => findWord(line, word.trim()));
  const missing = places.findIndex((place) => !place);
  if (missing >= 0) throw new Error(`“${word.trim()}” is not in: ${lines[missing]}`);
  const written = places.map(({ start, end }, index) => lines[index].slice(start, end));
  const before = places.map(({ start }, index) => lines[index].slice(0, start));
  const [rows, ofWords, ofTextsBefore] = await Promise.all([lines, written, before].map(
    (texts) => server.predict(preprocess, texts.map((text) => ({ text })))));
  const encoded = await server.predict(encode, rows);
  const vectors = rows.map((row, index) => {
    const pieces = idsOf(ofWords[index]).slice(1, -1); // without [CLS] and [SEP]
    const numBefore = findAll(pieces, idsOf(ofTextsBefore[index])).length;
    const first = findAll(pieces, idsOf(row))[numBefore];
    if (first === undefined) {
      throw new Error(`The model does not see the word in: ${lines[index]}`);
    }
    return mean(encoded[index].sequence_output.slice(first, first + pieces.length));
  });
  return { lines, places, vectors };
}

function findWord(line, word) {
  const escaped = word.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}])${escaped}(?![\\p{L}\\p{N}])`, "iu");
  const match = word && pattern.exec(line);
  return match ? { start: match.index, end: match.index + match[0].length } : null;
}

function idsOf(row) {
  return row.input_word_ids.filter((_, index) => row.input_mask[index]);
}

// Where the pieces of a word begin among ids; what stands between sentences does not matter.
function findAll(pieces, ids) {
  return ids.map((_, at) => at).filter((at) =>
    pieces.length && pieces.every((piece, index) => ids[at + index] === piece));
}

function mean(vectors) {
  return vectors[0].map((_, axis) =>
    vectors.reduce((sum, vector) => sum + vector[axis], 0) / vectors.length);
}

function dot(a, b) {
  return a.reduce((sum, value, axis) => sum + value * b[axis], 0);
}

function cosine(a, b) {
  return dot(a, b) / (Math.sqrt(dot(a, a) * dot(b, b)) || 1);
}

// Principal components: places of the vectors in the plane that shows most of how they
// differ, and the share of the variance that it shows. From the products of the vectors with
// each other, which are few, rather than from their covariance.
function project(vectors) {
  const center = mean(vectors);
  const centered = vectors.map((vector) => vector.map((value, axis) => value - center[axis]));
  const products = centered.map((a) => centered.map((b) => dot(a, b)));
  const total = products.reduce((sum, row, index) => sum + row[index], 0);
  const axes = [];
  let shown = 0;
  for (let axis = 0; axis < 2; axis += 1) {
    const { value, vector } = largestEigenpair(products);
    shown += value;
    axes.push(vector.map((each) => each * Math.sqrt(value)));
    products.forEach((row, i) => row.forEach((_, j) => {
      row[j] -= value * vector[i] * vector[j];
    }));
  }
  return { points: vectors.map((_, i) => [axes[0][i], axes[1][i]]), share: shown / total || 0 };
}

function largestEigenpair(matrix) {
  let vector = matrix.map((_, index) => Math.cos(index * index + 1)); // any but a special one
  let value = 0;
  for (let step = 0; step < 300; step += 1) {
    const next = matrix.map((row) => dot(row, vector));
    value = Math.sqrt(dot(next, next));
    if (!(value > 0)) return { value: 0, vector: vector.map(() => 0) };
    vector = next.map((each) => each / value);
  }
  return { value, vector };
}

function showMap({ lines, places, vectors }, _, width) {
  const { points, share } = project(vectors);
  const rows = lines.map((line, index) => {
    const { start, end } = places[index];
    const others = vectors
      .map((vector, other) => [cosine(vector, vectors[index]), other])
      .filter(([, other]) => other !== index)
      .sort((a, b) => b[0] - a[0]);
    const [most, least] = [others[0], others[others.length - 1]];
    return element("li", { dir: "auto" },
      line.slice(0, start), element("b", {}, line.slice(start, end)), line.slice(end),
      element("small", {}, `most like ${most[1] + 1} (${number(most[0])}), `
        + `least like ${least[1] + 1} (${number(least[0])})`));
  });
  return [
    draw(points, width),
    element("ol", { class: "ranked" }, ...rows),
    paragraph("Each point is the word’s vector in one sentence: a vector that did not depend on "
      + `the sentence would be a single point. The plane shows ${percent(share)} of how they `
      + "differ; the numbers are cosines of the whole vectors."),
  ];
}

// A picture of points with their numbers; a unit is a pixel, and the same on both axes.
function draw(points, width) {
  const height = Math.max(260, Math.round(width * 0.56));
  const margin = 44;
  const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const [wide, high] = [Math.max(...xs) - left, Math.max(...ys) - top];
  const scale = Math.min((width - 2 * margin) / wide, (height - 2 * margin) / high);
  const unit = Number.isFinite(scale) ? scale : 0; // all in one place
  const dots = points.map(([x, y]) => [
    width / 2 + (x - left - wide / 2) * unit,
    height / 2 + (y - top - high / 2) * unit,
  ]);
  const numbers = placeNumbers(dots, [width / 2, height / 2]);
  const svg = element("svg", {
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    "aria-label": "Map of the word’s vectors; the numbers are those of the sentences below",
  });
  dots.forEach(([x, y], index) => {
    const [toX, toY] = numbers[index];
    svg.append(element("line", { x1: x, y1: y, x2: toX, y2: toY, "stroke-opacity": 0.4 }));
  });
  dots.forEach(([x, y]) => svg.append(element("circle", { cx: x, cy: y, r: 5 })));
  numbers.forEach(([x, y], index) =>
    svg.append(element("text", { x, y }, String(index + 1))));
  return svg;
}

// Beside the dots, away from the middle, and from each other.
function placeNumbers(dots, [middleX, middleY]) {
  const numbers = dots.map(([x, y], index) => {
    const angle = Math.atan2(y - middleY, x - middleX) + index * 0.001;
    return [x + 18 * Math.cos(angle), y + 18 * Math.sin(angle)];
  });
  for (let step = 0; step < 40; step += 1) {
    for (const a of numbers) {
      for (const [b, nearest] of [...numbers.map((each) => [each, 20]),
        ...dots.map((each) => [each, 14])]) {
        const [dx, dy] = [a[0] - b[0], a[1] - b[1]];
        const distance = Math.hypot(dx, dy);
        if (a === b || distance >= nearest || distance === 0) continue;
        a[0] += (dx / distance) * (nearest - distance) / 2;
        a[1] += (dy / distance) * (nearest - distance) / 2;
      }
    }
  }
  return numbers;
}

// --- From signatures to panels --------------------------------------------------------------

// The first signature with exactly these inputs and at least these outputs.
function findSignature(signatures, { inputs, outputs }) {
  const names = Object.keys(signatures).sort((a, b) =>
    (b === DEFAULT_SIGNATURE) - (a === DEFAULT_SIGNATURE) || a.localeCompare(b));
  return names.find((name) => {
    const has = signatures[name];
    return Object.keys(has.inputs ?? {}).length === inputs.length
      && inputs.every((input) => input in has.inputs)
      && outputs.every((output) => output in (has.outputs ?? {}));
  });
}

function findPanels(signatures) {
  const found = [];
  for (const panel of PANELS) {
    const needed = panel.second ? [panel, panel.second] : [panel];
    const names = needed.map((each) => findSignature(signatures, each));
    const isBetterShown = found.some((each) => each.panel.outputs.includes(panel.unless));
    if (names.every((name) => name) && !isBetterShown) found.push({ panel, names });
  }
  // What the model was made for comes first.
  const isDefault = ({ names }) => names[0] === DEFAULT_SIGNATURE;
  return found.sort((a, b) => isDefault(b) - isDefault(a));
}

function makePanel(server, { panel, names }, index) {
  const id = `panel-${index}`;
  const answer = element("div", { class: "answer", "aria-live": "polite" });
  const fields = Object.entries(panel.fields).map(([name, [label, value, hint, rows = 2]]) => {
    const field = name === "word"
      ? element("input", { name, value, required: "", spellcheck: "false" })
      : element("textarea", { name, rows, dir: "auto" }, value);
    return element("label", {}, hint ? element("span", {}, `${label} `,
      element("small", {}, hint)) : label, field);
  });
  const form = element("form", {}, ...fields, element("button", {}, "Ask"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run(server, panel, names, form, answer);
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  return element("section", { "aria-labelledby": id },
    element("h2", { id }, panel.title), form, answer);
}

async function run(server, panel, names, form, answer) {
  const values = Object.fromEntries(new FormData(form));
  const asked = Symbol("asked");
  answer.asked = asked;
  answer.setAttribute("aria-busy", "true");
  let shown;
  try {
    const given = panel.ask
      ? await panel.ask(server, names, values)
      : (await server.predict(names[0], [values]))[0];
    shown = panel.show(given, values, Math.max(280, answer.clientWidth));
  } catch (error) {
    shown = [element("p", { class: "error", role: "alert" }, error.message)];
  }
  if (answer.asked !== asked) return; // another question was faster
  answer.replaceChildren(...shown);
  answer.removeAttribute("aria-busy");
}

let latest; // the server that was asked for last

async function connect(address, model) {
  const [title, state, panels] = ["title", "state", "panels"].map((id) =>
    document.getElementById(id));
  title.textContent = model;
  document.title = `Playground · ${model}`;
  panels.replaceChildren();
  const server = new Server(address, model);
  latest = server;
  try {
    await server.connect();
    if (server !== latest) return;
  } catch (error) {
    if (server !== latest) return;
    state.textContent = "";
    panels.append(element("p", { class: "error", role: "alert" }, error.message));
    document.getElementById("connection").open = true;
    return;
  }
  const found = findPanels(server.signatures);
  state.textContent = `Version ${server.version} at ${server.address}`;
  panels.append(...found.map((each, index) => makePanel(server, each, index)));
  if (!found.length) {
    panels.append(element("p", { class: "error", role: "alert" },
      "This page knows none of the model’s signatures: "
      + `${Object.keys(server.signatures).join(", ")}.`));
  }
}

const form = document.getElementById("connect");
form.addEventListener("submit", (event) => {
  event.preventDefault();
  connect(form.elements.address.value, form.elements.model.value);
});
if (location.protocol.startsWith("http")) {
  form.elements.address.value = location.origin;
  connect(form.elements.address.value, form.elements.model.value);
} else { // opened as a file, in which no server has put its model's name
  form.elements.address.value = "http://localhost:8501";
  form.elements.model.value = document.getElementById("title").textContent = "";
  document.getElementById("state").textContent = "Which server and model?";
  document.title = "Playground";
  document.getElementById("connection").open = true;
}
