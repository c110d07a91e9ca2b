"use strict";
// Draws the tables of this page. It looks up what the law answered and decides nothing; all text becomes text nodes.
(() => {
  const tables = JSON.parse(document.getElementById("tables").textContent);
  const examples = new Map(Object.entries(tables.examples || {})); // by name: {title, about, side, line}
  const byId = (id) => document.getElementById(id);
  const SVG = "http://www.w3.org/2000/svg";
  const BEYOND = -1;

  let line = tables.line || []; // [{edge, engine, said, differences, broken}], of a case or a recorded row
  let side = tables.sides[1];
  let chosen = ""; // the name of the example that is played
  let path = []; // the edges that were taken, by their places
  let ahead = []; // the edges that were taken and then left by going back
  let playing = null;

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

  function recordList(places) {
    if (!places.length) return make("p", "nothing is written", { class: "nothing" });
    const items = places.map((place) => {
      const [relation, said] = tables.records[place];
      return make("li", [make("span", relation, { class: "relation" }), ` ${said}`]);
    });
    return make("ul", items, { class: "records" });
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

  function showStep(steps, told) {
    if (!steps.length) {
      byId("step").replaceChildren(make("p", "Nothing has happened yet.", { class: "note" }));
      return;
    }
    const [stimulus, , records, laws, rule] = steps[steps.length - 1].step;
    const parts = [make("p", make("code", stimulus), { class: "stimulus" })];
    const refusal = rule === null ? null : make("p", `The law refuses it: ${tables.rules[rule].replaceAll("`", "")} (${rule}). Nothing is written.`);
    if (told && told.engine !== undefined) {
      const own = told.engine === null ? make("p", told.said || "nothing is recorded") : recordList(told.engine);
      const law = refusal || recordList(records);
      const sides = [[tables.sides[0], law], [side, own]];
      parts.push(make("div", sides.map(([title, side]) => make("div", [make("h3", title), side])), { class: "beside" }));
      if (told.broken.length) {
        parts.push(make("h3", "Broken in this step"));
        parts.push(make("ul", told.broken.map(([law, message]) => make("li", [
          make("b", law, { class: "wrong" }), ` ${(tables.laws[law] || ["", ""])[1]} `, make("em", `Here: ${message}.`)]))));
      }
      if (told.differences.length) parts.push(make("ul", told.differences.map((one) => make("li", one)), { class: "differences" }));
    } else {
      parts.push(refusal || recordList(records));
    }
    if (laws.length) {
      const open = make("details", [make("summary", `${laws.length} laws look at this step`), lawList(laws)]);
      parts.push(open);
    }
    byId("step").replaceChildren(...parts);
  }

  function showLineage(steps) {
    const parents = new Map(), fates = new Map(), born = new Map();
    steps.forEach(({ step }, number) => {
      for (const place of step[2]) {
        const about = tables.records[place][2];
        if (about === null) continue;
        const [what, token, more] = about;
        if (what === "token") born.set(token, number);
        if (what === "parent") parents.set(token, [...(parents.get(token) || []), more]);
        if (what === "fate") fates.set(token, more);
      }
    });
    const below = (name) => [...born.keys()].filter((token) => (parents.get(token) || [null])[0] === name);
    const seen = new Set();
    const branch = (token) => {
      seen.add(token);
      const others = (parents.get(token) || []).slice(1);
      const also = others.length ? ` and of ${others.join(", ")}` : "";
      const said = make("span", [make("b", token), also, make("small", ` ${fates.get(token) || "no fate yet"}`)]);
      const children = below(token).filter((child) => !seen.has(child)).map(branch);
      return make("li", [said, children.length ? make("ul", children) : null], born.get(token) === steps.length - 1 ? { class: "new" } : {});
    };
    const roots = below(null).map(branch);
    byId("lineage").replaceChildren(roots.length ? make("ul", roots, { class: "tree" }) : make("p", "No token yet.", { class: "note" }));
  }

  function showState([status, tokens, holds]) {
    const items = tokens.map((place) => {
      const [name, , , said] = tables.tokens[place];
      return make("li", [make("b", name), ` ${said}`]);
    });
    items.push(...holds.map((place) => make("li", tables.holds[place])), make("li", status));
    byId("state").replaceChildren(make("ul", items));
  }

  function showSteps(steps, onLine) {
    byId("steps").replaceChildren(...steps.map(({ step }, number) => {
      const button = make("button", step[0], { type: "button", "aria-label": `go to step ${number + 1}, ${step[0]}` });
      button.addEventListener("click", () => go(path.slice(0, number + 1), [...path.slice(number + 1), ...ahead]));
      const differs = onLine && (line[number].differences || []).length + (line[number].broken || []).length;
      return make("li", button, differs ? { class: "differs" } : {});
    }));
  }

  // ------------------------------------------------------------------------------------------- tokens on the drawing

  const drawing = document.querySelector("#drawing svg");
  const boxes = new Map();
  const pills = new Map();
  if (drawing) {
    for (const box of drawing.querySelectorAll("[data-node]")) {
      const [x, y, width, height] = ["x", "y", "width", "height"].map((key) => Number(box.getAttribute(key)));
      boxes.set(box.dataset.node, { x, y, width, height });
    }
  }

  function pill(name) {
    const group = document.createElementNS(SVG, "g");
    const frame = document.createElementNS(SVG, "rect");
    const label = document.createElementNS(SVG, "text");
    const title = document.createElementNS(SVG, "title");
    label.textContent = name.length > 12 ? `${name.slice(0, 5)}…${name.slice(-6)}` : name;
    const width = label.textContent.length * 6.2 + 10;
    for (const [key, value] of Object.entries({ x: -width / 2, y: -8, width, height: 16, rx: 8 })) frame.setAttribute(key, value);
    label.setAttribute("y", "3.5");
    group.append(title, frame, label);
    drawing.append(group);
    return { group, title, width };
  }

  function showTokens(steps) {
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
      if (!pills.has(name)) pills.set(name, pill(name));
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
    follow();
  }

  // Scrolls the drawing to the token that changed last, where the drawing is wider than the screen.
  function follow() {
    const steps = walk(path);
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

  function show() {
    const steps = walk(path);
    const now = steps.length ? steps[steps.length - 1].to : 0;
    const state = tables.states[now];
    const onLine = path.every((edge, number) => line[number] && line[number].edge === edge);
    showLawful(state[3], onLine && path.length < line.length ? line[path.length].edge : ahead[0]);
    showRefused(state[4]);
    showStep(steps, onLine && path.length ? line[path.length - 1] : null);
    showLineage(steps);
    showState(state);
    showSteps(steps, onLine);
    showTokens(steps);
    byId("back").disabled = byId("first").disabled = !path.length;
    byId("forward").disabled = !ahead.length;
    byId("play").hidden = !line.length;
    byId("play").disabled = !ahead.length;
    byId("where").textContent = `step ${path.length}${ahead.length ? ` of ${path.length + ahead.length}` : ""}`;
    byId("link").href = position();
    document.body.dataset.state = now;
    const last = steps.length ? steps[steps.length - 1].step : null;
    byId("spoken").textContent = last ? `Step ${path.length}, ${last[0]}: ${last[2].length} records.` : "At the start.";
  }

  // The address of this position: the name of the example, if one is played, and the edges.
  const position = () => `#${chosen ? `${chosen}/` : ""}${path.join(".")}`;

  function choose(name) {
    const example = examples.get(name);
    if (!example || name === chosen) return;
    chosen = name;
    line = example.line;
    side = example.side;
    stop();
    document.title = byId("title").textContent = example.title;
    byId("about").textContent = example.about;
    for (const link of document.querySelectorAll("#examples a[href^='#']")) {
      if (link.getAttribute("href") === `#${name}/`) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }

  function go(edges, left) {
    const inChoices = byId("lawful").contains(document.activeElement);
    path = edges;
    ahead = left;
    if (location.hash !== position() && (location.hash || path.length)) location.hash = position();
    show();
    if (inChoices) (document.querySelector("#lawful button:enabled") || byId("can")).focus();
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
    const before = chosen;
    choose(name);
    const given = edgesSaid.split(".").filter((part) => /^[0-9]{1,6}$/.test(part)).map(Number);
    const edges = given.slice(0, walk(given).length);
    if (before === chosen && edges.join(".") === path.join(".") && byId("where").textContent) return;
    const whole = line.map((one) => one.edge);
    path = edges;
    ahead = edges.every((edge, number) => edge === whole[number]) ? whole.slice(edges.length) : [];
    show();
  }

  if (tables.meanings.record) { // only what is recorded, without the law
    byId("can").textContent = "What is recorded next";
    byId("no").hidden = true;
  }
  byId("back").addEventListener("click", back);
  byId("forward").addEventListener("click", forward);
  byId("first").addEventListener("click", first);
  byId("play").addEventListener("click", play);
  window.addEventListener("hashchange", read);
  if (drawing) window.addEventListener("resize", follow);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (drawing && drawing.parentElement.contains(event.target)) return; // there the arrows scroll
    const does = { ArrowLeft: back, ArrowRight: forward, Home: first }[event.key];
    const buttons = [...document.querySelectorAll("#lawful button")];
    if (does) does();
    else if (/^[1-9]$/.test(event.key) && buttons[event.key - 1]) buttons[event.key - 1].click();
    else return;
    event.preventDefault();
  });
  read();
})();
