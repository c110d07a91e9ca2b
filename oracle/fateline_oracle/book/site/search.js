"use strict";
// Finds the parts of the book that have all words. All text becomes text nodes.
(() => {
  const MOST = 50;
  const AROUND = 90;
  const field = document.getElementById("words");
  const list = document.getElementById("found");
  const count = document.getElementById("count");
  const parts = FATELINE_INDEX.parts.map(([page, place, title, text]) => {
    const [path, name] = FATELINE_INDEX.pages[page];
    return { href: place ? `${path}#${place}` : path, name, title, text, lowTitle: title.toLowerCase(), low: text.toLowerCase() };
  });

  const escaped = (word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const wordsOf = (said) => [...new Set(said.toLowerCase().split(/[^\p{L}\p{N}_-]+/u).filter(Boolean))].slice(0, 8);

  // How well a part fits a word: in its heading more than in its text, a whole word more than a beginning; 0 if not at all.
  function fit(part, word) {
    const begins = new RegExp(`(?<![\\p{L}\\p{N}])${escaped(word)}`, "u");
    const whole = new RegExp(`(?<![\\p{L}\\p{N}])${escaped(word)}(?![\\p{L}\\p{N}])`, "gu");
    const first = part.lowTitle.split(" ")[0] === word ? 100 : 0;
    const titled = whole.test(part.lowTitle) ? 30 : begins.test(part.lowTitle) ? 15 : 0;
    const times = Math.min((part.low.match(whole) || []).length, 5);
    return first + titled + (times ? 5 + times : begins.test(part.low) ? 3 : 0);
  }

  function found(said) {
    const words = wordsOf(said);
    if (!words.length) return [];
    const scored = [];
    for (const part of parts) {
      const fits = words.map((word) => fit(part, word));
      if (fits.every(Boolean)) scored.push({ part, words, score: fits.reduce((sum, one) => sum + one, 0) });
    }
    return scored.sort((one, other) => other.score - one.score);
  }

  // The text around the first word, with the words marked.
  function excerpt(part, words) {
    const any = new RegExp(`(?<![\\p{L}\\p{N}])(?:${words.map(escaped).join("|")})`, "giu");
    const at = Math.max(0, part.text.search(any));
    const from = Math.max(0, at - AROUND);
    const shown = part.text.slice(from, at + 2 * AROUND);
    const line = document.createElement("p");
    if (from) line.append("… ");
    let last = 0;
    for (const match of shown.matchAll(any)) {
      const mark = document.createElement("mark");
      mark.textContent = match[0];
      line.append(shown.slice(last, match.index), mark);
      last = match.index + match[0].length;
    }
    line.append(shown.slice(last), from + shown.length < part.text.length ? " …" : "");
    return line;
  }

  function show() {
    const all = found(field.value);
    const items = all.slice(0, MOST).map(({ part, words }) => {
      const item = document.createElement("li");
      const link = document.createElement("a");
      const where = document.createElement("small");
      link.href = part.href;
      link.textContent = part.title;
      where.textContent = part.title === part.name ? "" : ` ${part.name}`;
      item.append(link, where, excerpt(part, words));
      return item;
    });
    list.replaceChildren(...items);
    const more = all.length > MOST ? `, the first ${MOST} are shown` : "";
    count.textContent = wordsOf(field.value).length ? `${all.length} ${all.length === 1 ? "part" : "parts"}${more}` : "";
  }

  document.getElementById("find").addEventListener("submit", (event) => event.preventDefault());
  field.addEventListener("input", show);
  field.value = new URLSearchParams(location.search).get("q") || "";
  show();
})();
