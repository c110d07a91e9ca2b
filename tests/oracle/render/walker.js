// Walks every state of a page of the explorer, by its buttons, and writes down what the page shows. Reads only the page.
(() => {
  const one = (selector) => document.querySelector(selector);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const said = (button) => button.firstChild.textContent;
  const number = () => Number(document.body.dataset.state);
  const states = {};

  function refused() {
    const found = {};
    for (const list of all("#refused dt"))
      for (const stimulus of list.querySelectorAll("span")) found[stimulus.textContent] = list.nextElementSibling.firstChild.textContent;
    return found;
  }

  function visit() {
    const own = { lawful: [], refused: refused(), tokens: [] };
    states[number()] = own;
    own.tokens = all("#state li").filter((item) => item.querySelector("b")).map((item) => item.textContent);
    const drawn = all("#drawing .pill").map((pill) => pill.dataset.token);
    for (const name of drawn) if (!own.tokens.some((text) => text.startsWith(`${name} `))) throw new Error(`${name} is only drawn`);
    const stimuli = all("#lawful button").map(said);
    stimuli.forEach((stimulus, place) => {
      const button = all("#lawful button")[place];
      if (button.disabled) { own.lawful.push([stimulus, null, [], []]); return; }
      const [before, from] = [one("#lineage").textContent, number()];
      button.click();
      if (one("#step .stimulus").textContent !== stimulus) throw new Error(`another step than ${stimulus}`);
      const records = all("#step .records li").map((item) => item.textContent);
      const laws = all("#step details li > b").map((law) => law.textContent);
      own.lawful.push([stimulus, number(), records, laws]);
      if (!(number() in states)) visit();
      one("#back").click();
      if (number() !== from || one("#lineage").textContent !== before) throw new Error(`back from ${stimulus} leads elsewhere`);
    });
  }

  const out = document.createElement("pre");
  out.id = "walked";
  try { visit(); out.textContent = JSON.stringify(states); } catch (error) { out.textContent = String(error.stack); }
  document.body.replaceChildren(out);
})();
