"use strict";
// Draws the tables of this page. It looks up what the law answered and decides nothing; all text becomes text nodes.
(() => {
  const tables = JSON.parse(document.getElementById("tables").textContent);
  const examples = new Map(Object.entries(tables.examples || {})); // by name: {title, about, side, line}
  const byId = (id) => document.getElementById(id);
  const SVG = "http://www.w3.org/2000/svg";
  const MARKED = /^(missing|not in the law): /;
  const ENDED = ["ended", "continued"];
  const BEYOND = -1; // a state
  const ABSENT = -1; // a record

  let path = []; // the edges that were taken, by their places; of two lines only their number counts
  let ahead = []; // the edges that were taken and then left by going back
  let chosen = ""; // the name of the example that is played
  let playing = null;

  // A line is {title, about, side, line: [{edge, rows, said, differences, broken}]}, of a case or a recorded row.
  const NO_LINE = { line: [], side: "" };
  const given = tables.lines.length ? tables.lines : [NO_LINE];
  const pair = given.length === 2;
  const panes = given.map((own, number) => {
    const suffix = number ? "-b" : "";
    return { own, suffix, part: (id) => byId(`${id}${suffix}`), drawing: null, boxes: new Map(), pills: new Map() };
  });

  function make(tag, content, attributes = {}) {
    const element = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    for (const part of [content].flat()) if (part !== null && part !== undefined) element.append(part);
    return element;
  }

  // The steps of a path: {step, from, to}, up to the first edge that is not in the table.
  function walk(edges) {
    const steps = [];
    let at = 0;
    for (const place of edges) {
      const edge = tables.states[at][3][place];
      if (edge === undefined || edge[1] === BEYOND) break;
      steps.push({ step: tables.steps[edge[0]], from: at, to: edge[1] });
      at = edge[1];
    }
    return steps;
  }

  // ------------------------------------------------------------------------------------------- parts of the page

  // A long id as its first and last characters; where it is a name, the whole of it is its title.
  const ID = /\b(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{16,})\b/g;
  const short = (said) => said.replace(ID, (id) => `${id.slice(0, 4)}…${id.slice(-4)}`);
  const named = (name) => make("b", short(name), short(name) === name ? {} : { title: name });
  const item = (place, ...more) => {
    const [relation, said] = tables.records[place];
    return make("li", [make("span", relation, { class: "relation" }), ` ${short(said)}`, ...more]);
  };
  const chip = (said) => make("mark", said);
  const list = (items) => (items.length ? make("ul", items, { class: "records" }) : make("p", "nothing is written", { class: "nothing" }));
  const recordList = (places) => list(places.map((place) => item(place)));

  // The records of one side, 0 for the law and 1 for what stands beside it; what it lacks has its line too.
  function sideList(rows, side) {
    const items = [];
    for (const row of rows) {
      const [place, mark] = [row[side], row[2]];
      if (place !== ABSENT) items.push(item(place, ...(mark && (side || mark !== "missing") ? [" ", chip(mark)] : [])));
      else if (mark === "missing") items.push(make("li", [make("span", tables.records[row[0]][0], { class: "relation" }), " ", chip(mark)]));
      else continue;
      if (mark) items[items.length - 1].classList.add("marked");
    }
    return list(items);
  }

  // Two sides of a section under their names.
  function beside(own, law, other) {
    const title = pair ? "h4" : "h3";
    return make("div", [["The law", law], [own.side, other]].map(([said, side]) => make("div", [make(title, said), side])), { class: "beside" });
  }

  function lawList(laws) {
    return make("ul", laws.map((law) => make("li", [make("b", law), ` ${tables.laws[law][0]}. `, make("small", tables.laws[law][1])])));
  }

  function showLawful(edges, next) {
    const groups = new Map();
    edges.forEach(([step, to], place) => {
      const [stimulus, does, , , rule] = tables.steps[step];
      if (rule !== null) return; // what a case did against the law is no choice
      if (!groups.has(does)) groups.set(does, []);
      groups.get(does).push({ stimulus, to, place });
    });
    let number = 0;
    const parts = [];
    for (const [does, choices] of groups) {
      if (tables.meanings[does]) parts.push(make("p", `${does}: ${tables.meanings[does].replaceAll("`", "")}`));
      const buttons = choices.map(({ stimulus, to, place }) => {
        number += 1;
        const beyond = to === BEYOND;
        const button = make("button", [stimulus, number < 10 && !beyond ? make("kbd", String(number)) : null], { type: "button" });
        button.dataset.edge = place;
        button.disabled = beyond;
        if (beyond) button.append(" (leads beyond this page)");
        if (place === next) button.className = "next";
        button.addEventListener("click", () => take(place));
        return button;
      });
      parts.push(make("div", buttons, { class: "choices" }));
    }
    byId("lawful").replaceChildren(...(parts.length ? parts : [make("p", "Nothing: this is the end.")]));
  }

  function showRefused(refused) {
    const byRule = new Map();
    for (const place of refused) {
      const [stimulus, rule] = tables.refused[place];
      if (!byRule.has(rule)) byRule.set(rule, []);
      byRule.get(rule).push(stimulus);
    }
    const parts = [];
    for (const [rule, stimuli] of byRule) {
      parts.push(make("dt", stimuli.flatMap((stimulus, number) => [number ? ", " : null, make("span", stimulus)])));
      parts.push(make("dd", [make("b", rule), `: ${tables.rules[rule].replaceAll("`", "")}`]));
    }
    byId("refused").replaceChildren(parts.length ? make("dl", parts) : make("p", "Nothing that was tried.", { class: "note" }));
  }

  function showStep(pane, steps, told) {
    if (!steps.length) {
      pane.part("step").replaceChildren(make("p", "Nothing has happened yet.", { class: "note" }));
      return;
    }
    const [stimulus, , records, laws, rule] = steps[steps.length - 1].step;
    const parts = [make("p", make("code", stimulus), { class: "stimulus" })];
    const refusal = rule === null ? null : make("p", `The law refuses it: ${tables.rules[rule].replaceAll("`", "")} (${rule}). Nothing is written.`);
    if (told && told.differences) {
      const law = refusal || (told.rows ? sideList(told.rows, 0) : recordList(records));
      const other = told.rows ? sideList(told.rows, 1) : make("p", told.said || "nothing is recorded");
      parts.push(beside(pane.own, law, other));
      const more = told.differences.filter((one) => !told.rows || !MARKED.test(one)); // the others are marked in their places
      if (more.length) parts.push(make("ul", more.map((one) => make("li", one)), { class: "differences" }));
      if (told.broken.length) {
        parts.push(make(pair ? "h4" : "h3", "Laws that are broken"));
        parts.push(make("ul", told.broken.map(([law, message]) => make("li", [
          make("b", law, { class: "wrong" }), ` ${(tables.laws[law] || ["", ""])[1]} `, make("em", `Here: ${message}.`)]))));
      }
    } else {
      parts.push(refusal || recordList(records));
    }
    if (laws.length) {
      const open = make("details", [make("summary", `${laws.length} laws look at this step`), lawList(laws)]);
      parts.push(open);
    }
    pane.part("step").replaceChildren(...parts);
  }

  // The tokens by the records of some steps: a map from a token to {parents, fate, born, marked}.
  function lineageOf(recorded) {
    const tokens = new Map();
    const known = (token, born) => {
      if (!tokens.has(token)) tokens.set(token, { parents: [], fate: "no fate yet", born, marked: false });
      return tokens.get(token);
    };
    for (const place of tables.states[0][1]) {
      const [name, , kind, said] = tables.tokens[place];
      known(name, -1).fate = ENDED.includes(kind) ? said.replace("has ended: ", "") : "no fate yet";
    }
    recorded.forEach((rows, number) => {
      for (const [place, about, mark] of rows.map(([one, mark, other]) => [one, (tables.records[one === ABSENT ? other : one] || [])[2], mark])) {
        if (!about) continue;
        const [what, token, more] = about;
        if (place === ABSENT) { if (tokens.has(token)) tokens.get(token).marked = true; continue; }
        const own = known(token, number);
        if (what === "parent") own.parents.push(more);
        if (what === "fate") own.fate = more;
        if (mark) own.marked = true;
      }
    });
    return tokens;
  }

  // The lineages of a pane at a position: by the law, and by what is recorded beside it, if that is known.
  function lineagesOf(pane, steps, onLine) {
    const told = steps.map((_, number) => (onLine && pane.own.line[number]) || {});
    const law = lineageOf(steps.map(({ step }, number) =>
      (told[number].rows || step[2].map((place) => [place, ABSENT, ""])).map(([own, other, mark]) => [own, mark, other])));
    if (!onLine || !pane.own.line.some((one) => one.differences)) return [law];
    return [law, lineageOf(steps.map(({ step }, number) =>
      (told[number].rows || (told[number].said ? [] : step[2].map((place) => [place, place, ""]))).map(([own, other, mark]) => [other, mark, own])))];
  }

  const standing = ({ parents, fate }) => `${parents.join(" ")}: ${fate}`;

  // `other` is the same lineage on the other side of the page.
  function tree(tokens, newest, other) {
    if (!tokens.size) return make("p", "No token yet.", { class: "note" });
    const names = [...tokens.keys()];
    const above = (name) => tokens.get(name).parents.find((parent) => tokens.has(parent)) ?? null;
    const seen = new Set();
    const branch = (name) => {
      seen.add(name);
      const own = tokens.get(name);
      const others = own.parents.filter((parent) => parent !== above(name));
      const unlike = other && (!other.has(name) || standing(other.get(name)) !== standing(own));
      const said = make("span", [named(name), others.length ? ` and of ${short(others.join(", "))}` : "", make("small", ` ${short(own.fate)}`),
        ...(own.marked ? [" ", chip("differs")] : []), ...(unlike ? [" ", unlikeChip()] : [])]);
      const children = names.filter((child) => above(child) === name && !seen.has(child)).map(branch);
      return make("li", [said, children.length ? make("ul", children) : null], own.born === newest ? { class: "new" } : {});
    };
    return make("ul", names.filter((name) => above(name) === null).map(branch), { class: "tree" });
  }

  const unlikeChip = () => make("mark", [make("span", "≠", { "aria-hidden": "true" }), make("span", "unlike the other side", { class: "unseen" })], { class: "unlike", title: "unlike the other side" });

  function showLineage(pane, lineages, newest, others) {
    const trees = lineages.map((tokens, number) => tree(tokens, newest, others && (others[number] || others[0])));
    pane.part("lineage").replaceChildren(trees.length === 2 ? beside(pane.own, ...trees) : trees[0]);
  }

  const stands = ([status, tokens, holds]) => [
    ...tokens.map((place) => [tables.tokens[place][0], ` ${tables.tokens[place][3]}`]), ...holds.map((place) => ["", tables.holds[place]]), ["", status]];

  function showState(pane, state, other) {
    const known = other && new Set(stands(other).map((one) => one.join("")));
    pane.part("state").replaceChildren(make("ul", stands(state).map(([name, said]) =>
      make("li", [name ? named(name) : null, short(said), ...(known && !known.has(name + said) ? [" ", unlikeChip()] : [])]))));
  }

  function showSteps(pane, steps, onLine) {
    pane.part("steps").replaceChildren(...steps.map(({ step }, number) => {
      const button = make("button", step[0], { type: "button", "aria-label": `go to step ${number + 1}, ${step[0]}` });
      button.addEventListener("click", () => go(path.slice(0, number + 1), [...path.slice(number + 1), ...ahead]));
      const told = onLine && pane.own.line[number];
      const differs = told && (told.differences || []).length + (told.broken || []).length;
      return make("li", button, differs ? { class: "differs" } : {});
    }));
  }

  // ------------------------------------------------------------------------------------------- tokens on the drawing

  for (const pane of panes) {
    pane.drawing = pane.part("drawing") && pane.part("drawing").querySelector("svg");
    for (const box of pane.drawing ? pane.drawing.querySelectorAll("[data-node]") : []) {
      const [x, y, width, height] = ["x", "y", "width", "height"].map((key) => Number(box.getAttribute(key)));
      pane.boxes.set(box.dataset.node, { x, y, width, height });
    }
  }

  function pill(drawing, name) {
    const group = document.createElementNS(SVG, "g");
    const frame = document.createElementNS(SVG, "rect");
    const label = document.createElementNS(SVG, "text");
    const title = document.createElementNS(SVG, "title");
    const told = short(name);
    label.textContent = told.length > 12 ? `${told.slice(0, 5)}…${told.slice(-6)}` : told;
    const width = label.textContent.length * 6.2 + 10;
    for (const [key, value] of Object.entries({ x: -width / 2, y: -8, width, height: 16, rx: 8 })) frame.setAttribute(key, value);
    label.setAttribute("y", "3.5");
    group.append(title, frame, label);
    drawing.append(group);
    return { group, title, width };
  }

  function showTokens(pane, steps) {
    const { drawing, boxes, pills } = pane;
    if (!drawing) return;
    const last = new Map(); // an ended token stands where it was last
    for (const number of [0, ...steps.map((one) => one.to)])
      for (const place of tables.states[number][1]) {
        const [name, node] = tables.tokens[place];
        if (node) last.set(name, node);
      }
    const now = steps.length ? steps[steps.length - 1].to : 0;
    const used = new Map();
    const kept = new Set();
    for (const place of tables.states[now][1]) {
      const [name, , kind, said] = tables.tokens[place];
      const box = boxes.get(last.get(name));
      if (!box || kind === "continued") continue;
      if (!pills.has(name)) pills.set(name, pill(drawing, name));
      const { group, title, width } = pills.get(name);
      const before = kind === "waits";
      const key = `${last.get(name)} ${before}`;
      const stacked = used.get(key) || 0;
      used.set(key, stacked + (before ? 18 : width + 3));
      const x = before ? Math.max(width / 2, box.x - width / 2 - 3) : box.x + stacked + width / 2 + 6;
      const y = before ? box.y + box.height / 2 + stacked : box.y + box.height + 6;
      group.setAttribute("class", `pill ${kind}`);
      group.dataset.token = name;
      group.style.transform = `translate(${x}px, ${y}px)`;
      title.textContent = `${name} ${said}`;
      kept.add(name);
    }
    for (const [name, { group }] of pills) if (!kept.has(name)) { group.remove(); pills.delete(name); }
    follow(pane, steps);
  }

  // Scrolls the drawing to the token that changed last, where the drawing is wider than the screen.
  function follow({ drawing, boxes }, steps) {
    const frame = drawing.parentElement;
    if (frame.scrollWidth <= frame.clientWidth) return;
    if (!steps.length) { frame.scrollLeft = 0; return; }
    const { from, to } = steps[steps.length - 1];
    const before = new Set(tables.states[from][1]);
    const changed = tables.states[to][1].filter((place) => !before.has(place)).map((place) => tables.tokens[place]);
    const box = changed.map(([, node]) => boxes.get(node)).filter(Boolean).pop();
    if (box) frame.scrollLeft = box.x + box.width / 2 - frame.clientWidth / 2;
  }

  // ------------------------------------------------------------------------------------------- going on and back

  // The edges that a pane has taken: those of the path, or of its line as far as both have gone.
  const edgesOf = (pane) => (pair ? pane.own.line.slice(0, path.length).map((one) => one.edge) : path);

  function show() {
    const shown = panes.map((pane) => {
      const steps = walk(edgesOf(pane));
      const onLine = pair || path.every((edge, number) => pane.own.line[number] && pane.own.line[number].edge === edge);
      const state = steps.length ? steps[steps.length - 1].to : 0;
      return { pane, steps, onLine, state, lineages: lineagesOf(pane, steps, onLine), told: onLine && steps.length ? pane.own.line[steps.length - 1] : null };
    });
    shown.forEach(({ pane, steps, onLine, state, lineages, told }, number) => {
      const other = pair ? shown[1 - number] : null;
      showStep(pane, steps, told);
      if (pair && path.length > steps.length) pane.part("step").prepend(make("p", `This side has ended after ${steps.length} steps.`, { class: "note" }));
      showLineage(pane, lineages, steps.length - 1, other && other.lineages);
      showState(pane, tables.states[state], other && tables.states[other.state]);
      showSteps(pane, steps, onLine);
      showTokens(pane, steps);
    });
    if (!pair) {
      const [{ pane, onLine, state }] = shown;
      showLawful(tables.states[state][3], onLine && path.length < pane.own.line.length ? pane.own.line[path.length].edge : ahead[0]);
      showRefused(tables.states[state][4]);
    }
    byId("back").disabled = byId("first").disabled = !path.length;
    byId("forward").disabled = !ahead.length;
    byId("play").hidden = !panes.some((pane) => pane.own.line.length);
    byId("play").disabled = !ahead.length;
    byId("where").textContent = `step ${path.length}${ahead.length ? ` of ${path.length + ahead.length}` : ""}`;
    byId("link").href = position();
    document.body.dataset.state = shown.map(({ state }) => state).join(" ");
    const differ = document.querySelectorAll("#step .marked, #step-b .marked").length;
    const said = shown.map(({ steps }) => steps.length ? `${steps[steps.length - 1].step[0]}: ${steps[steps.length - 1].step[2].length} records` : "nothing");
    byId("spoken").textContent = path.length ? `Step ${path.length}, ${said.join("; other side, ")}.${differ ? ` ${differ} marked as different.` : ""}` : "At the start.";
  }

  // The address of this position: the name of the example, if one is played, and the edges.
  const position = () => (pair ? `#${path.length}` : `#${chosen ? `${chosen}/` : ""}${path.join(".")}`);

  function choose(name) {
    const example = examples.get(name);
    if (!example || name === chosen) return;
    chosen = name;
    panes[0].own = example;
    stop();
    document.title = byId("title").textContent = example.title;
    byId("about").textContent = example.about;
    for (const link of document.querySelectorAll("#examples a[href^='#']")) {
      if (link.getAttribute("href") === `#${name}/`) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }

  function go(edges, left) {
    const inChoices = !pair && byId("lawful").contains(document.activeElement);
    path = edges;
    ahead = left;
    if (location.hash !== position() && (location.hash || path.length)) location.hash = position();
    show();
    if (inChoices) (document.querySelector("#lawful button:enabled") || byId("title-lawful")).focus();
  }

  function take(place) {
    const [, to] = tables.states[walk(path).reduce((_, one) => one.to, 0)][3][place] || [0, BEYOND];
    if (to !== BEYOND) go([...path, place], ahead[0] === place ? ahead.slice(1) : []);
  }

  const back = () => path.length && go(path.slice(0, -1), [path[path.length - 1], ...ahead]);
  const forward = () => ahead.length && go([...path, ahead[0]], ahead.slice(1));
  const first = () => path.length && go([], [...path, ...ahead]);

  function stop() {
    clearInterval(playing);
    playing = null;
    byId("play").textContent = "Play";
  }

  function play() {
    if (playing !== null) return stop();
    byId("play").textContent = "Pause";
    playing = setInterval(() => { if (ahead.length) forward(); if (!ahead.length) stop(); }, 1200);
  }

  // The position in the address; what is not in the table is left out.
  function read() {
    const [edgesSaid, name] = location.hash.slice(1).split("/").reverse();
    if (pair) {
      const whole = Array(Math.max(...panes.map((pane) => pane.own.line.length))).fill(0);
      const taken = Math.min(/^[0-9]{1,6}$/.test(edgesSaid) ? Number(edgesSaid) : 0, whole.length);
      if (taken === path.length && byId("where").textContent) return;
      [path, ahead] = [whole.slice(0, taken), whole.slice(taken)];
      show();
      return;
    }
    const before = chosen;
    choose(name);
    const given = edgesSaid.split(".").filter((part) => /^[0-9]{1,6}$/.test(part)).map(Number);
    const edges = given.slice(0, walk(given).length);
    if (before === chosen && edges.join(".") === path.join(".") && byId("where").textContent) return;
    const whole = panes[0].own.line.map((one) => one.edge);
    path = edges;
    ahead = edges.every((edge, number) => edge === whole[number]) ? whole.slice(edges.length) : [];
    show();
  }

  if (tables.meanings.record) { // only what is recorded, without the law
    byId("title-lawful").textContent = "What is recorded next";
    byId("refused").parentElement.hidden = true;
  }
  byId("back").addEventListener("click", back);
  byId("forward").addEventListener("click", forward);
  byId("first").addEventListener("click", first);
  byId("play").addEventListener("click", play);
  window.addEventListener("hashchange", read);
  window.addEventListener("resize", () => panes.forEach((pane) => pane.drawing && follow(pane, walk(edgesOf(pane)))));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (panes.some(({ drawing }) => drawing && drawing.parentElement.contains(event.target))) return; // there the arrows scroll
    const does = { ArrowLeft: back, ArrowRight: forward, Home: first }[event.key];
    const buttons = [...document.querySelectorAll("#lawful button")];
    if (does) does();
    else if (/^[1-9]$/.test(event.key) && buttons[event.key - 1]) buttons[event.key - 1].click();
    else return;
    event.preventDefault();
  });
  read();
})();
