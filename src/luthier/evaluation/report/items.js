// The items browser of a report: filters, sorts and shows golden items. Runs alone, without any library or network.
// Texts come from users and models, so they only ever become text nodes, never markup.
"use strict";
(() => {
  const holder = document.getElementById("items-data");
  const root = document.getElementById("browser");
  if (!holder || !root) return;
  const data = JSON.parse(holder.textContent);
  const PER_PAGE = 10;
  const MOST_WORDS = 300;
  const LEAST_LIKENESS = 0.3;
  const BEST = "";
  const arms = data.arms.map((arm) => arm.name);
  const control = (name) => root.querySelector(`[name="${name}"]`);
  const names = ["arm", "against", "outcome", "metric", "reference", "search", "cut", "sort"];

  // What is asked for, from the controls.
  const asked = () => Object.fromEntries(names.map((name) => {
    const field = control(name);
    return [name, field.type === "checkbox" ? field.checked : field.value];
  }));

  const scoreOf = (item, arm, metric) => item.a[arm]?.[1][metric] ?? null;

  // The score that the chosen arm is held against: another arm's, or the best of all others.
  const rivalScore = (item, wish) => {
    const metric = data.metrics.indexOf(wish.metric);
    if (wish.against !== BEST) return scoreOf(item, arms.indexOf(wish.against), metric);
    const others = arms.map((_, arm) => arm).filter((arm) => arms[arm] !== wish.arm && isRival(arms[arm], wish.arm));
    const scores = others.map((arm) => scoreOf(item, arm, metric)).filter((score) => score !== null);
    return scores.length ? Math.max(...scores) : null;
  };

  // The tuned model with passages is no rival of the tuned model: "best other" means the untuned ones.
  const isRival = (name, arm) => !(arm === "tuned" && name === "tuned-rag");

  const gainOf = (item, wish) => {
    const own = scoreOf(item, arms.indexOf(wish.arm), data.metrics.indexOf(wish.metric));
    const rival = rivalScore(item, wish);
    return own === null || rival === null ? null : own - rival;
  };

  const hasOutcome = (item, wish) => {
    const gain = gainOf(item, wish);
    const own = scoreOf(item, arms.indexOf(wish.arm), data.metrics.indexOf(wish.metric));
    switch (wish.outcome) {
      case "won": return gain !== null && gain > 0;
      case "lost": return gain !== null && gain < 0;
      case "same": return gain === 0;
      case "right": return own === 1;
      case "wrong": return own !== null && own < 1;
      case "all-wrong": return item.a.every((answer) => !answer || answer[1][data.metrics.indexOf(wish.metric)] === 0);
      default: return true;
    }
  };

  const matches = (item, wish) => {
    if (!hasOutcome(item, wish)) return false;
    if (wish.reference && item.r.trim() !== wish.reference) return false;
    if (wish.cut && !(item.a[arms.indexOf(wish.arm)]?.[2])) return false;
    const words = wish.search.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) return true;
    const text = [item.p, item.r, ...item.a.map((answer) => answer?.[0] ?? "")].join("\n").toLowerCase();
    return words.every((word) => text.includes(word));
  };

  const ORDERS = {
    number: () => 0,
    gain: (left, right) => right.gain - left.gain,
    loss: (left, right) => left.gain - right.gain,
  };

  const chosen = (wish) => data.items
    .filter((item) => matches(item, wish))
    .map((item) => ({ item, gain: gainOf(item, wish) ?? 0 }))
    .sort((left, right) => ORDERS[wish.sort](left, right) || left.item.i - right.item.i);

  // ---- showing

  const element = (tag, name, ...children) => {
    const made = document.createElement(tag);
    if (name) made.className = name;
    made.append(...children.filter((child) => child !== null));
    return made;
  };
  const points = (share) => (share * 100).toFixed(1).replace("-", "\u2212");
  const signed = (share) => (share > 0 ? "+" : "") + points(share);
  const visible = (text) => text.replace(/\r\n/g, "\n").replace(/[\0-\x08\x0b-\x1f\x7f]/g, (found) =>
    found === "\x7f" ? "\u2421" : String.fromCharCode(0x2400 + found.charCodeAt(0)));
  const wordsOf = (text) => text.match(/[\p{L}\p{N}_]+|\s+|[^\p{L}\p{N}_\s]/gu) ?? [];

  // Which words of the answer the reference shares with it, by the longest common subsequence; null: do not mark.
  const shared = (answer, reference) => {
    const rows = answer.length, columns = reference.length;
    if (!rows || !columns || Math.max(rows, columns) > MOST_WORDS) return null;
    const lengths = Array.from({ length: rows + 1 }, () => new Uint16Array(columns + 1));
    for (let row = rows - 1; row >= 0; row--)
      for (let column = columns - 1; column >= 0; column--)
        lengths[row][column] = answer[row] === reference[column] ? lengths[row + 1][column + 1] + 1
          : Math.max(lengths[row + 1][column], lengths[row][column + 1]);
    const kept = new Array(rows).fill(false);
    for (let row = 0, column = 0; row < rows && column < columns;) {
      if (answer[row] === reference[column]) { kept[row] = true; row++; column++; }
      else if (lengths[row + 1][column] >= lengths[row][column + 1]) row++;
      else column++;
    }
    // Blanks are in every text and say nothing of likeness.
    const telling = (words) => words.filter((word) => word.trim()).length;
    const alike = 2 * answer.filter((word, place) => kept[place] && word.trim()).length;
    return alike / (telling(answer) + telling(reference)) < LEAST_LIKENESS ? null : kept;
  };

  const marked = (text, reference) => {
    const box = element("div", "text");
    box.dir = "auto";
    const words = wordsOf(text);
    const kept = text === reference ? null : shared(words, wordsOf(reference));
    if (!kept) { box.append(visible(text)); return box; }
    let stretch = "", isMarked = false;
    const write = () => { if (stretch) box.append(isMarked ? element("mark", "", visible(stretch)) : visible(stretch)); };
    words.forEach((word, place) => {
      const isGap = !word.trim() && kept[place - 1] === false && kept[place + 1] === false;
      if ((!kept[place] || isGap) !== isMarked) { write(); stretch = ""; isMarked = !isMarked; }
      stretch += word;
    });
    write();
    return box;
  };

  const textBox = (text, reference) => {
    if (!text) return element("p", "text empty", "(empty)");
    const isLong = text.length > 360 || text.split("\n").length > 8;
    const full = reference === undefined ? element("div", "text", visible(text)) : marked(text, reference);
    full.dir = "auto";
    if (!isLong) return full;
    const opening = element("span", "opening", `${visible(text.slice(0, 480).split(/\s+/).join(" ").slice(0, 160))}…`);
    const more = element("span", "more", `all ${text.length.toLocaleString("en")} characters`);
    return element("details", "long", element("summary", "", opening, " ", more), full);
  };

  const answerBox = (item, arm, wish) => {
    const [text, scores, isCut] = item.a[arm];
    const isSame = text.trim() === item.r.trim();
    const score = scores[data.metrics.indexOf(wish.metric)];
    const head = element("h5", "", element("span", "", data.arms[arm].title), " ",
      element("span", "points", score === null ? "–" : points(score)), " ",
      element("span", "same", isSame ? "same" : isCut ? "cut off" : "differs"));
    return element("section", arms[arm] === wish.arm ? "answer tuned" : "answer", head, textBox(text, item.r));
  };

  const card = ({ item }, wish) => {
    const gain = gainOf(item, wish);
    const rival = wish.against === BEST ? (wish.arm === "tuned" ? "the best untuned arm" : "the best other")
      : data.arms[arms.indexOf(wish.against)].title;
    const said = gain === null ? "" : gain === 0 ? `as good as ${rival}` : `${signed(gain)} against ${rival}`;
    const head = element("h4", "", `Item ${item.i}`, said ? element("span", "gain", said) : null);
    const given = element("div", "given",
      element("section", "", element("h5", "", "Prompt"), textBox(item.p)),
      element("section", "reference", element("h5", "", "Reference"), textBox(item.r)));
    const order = arms.map((_, arm) => arm).filter((arm) => item.a[arm])
      .sort((left, right) => (arms[right] === wish.arm) - (arms[left] === wish.arm));
    const answers = element("div", "answers", ...order.map((arm) => answerBox(item, arm, wish)));
    const made = element("article", "item", head, given, answers);
    made.tabIndex = -1;
    return made;
  };

  const list = root.querySelector(".list");
  const status = root.querySelector("[role=status]");
  let page = 0;

  const show = () => {
    const wish = asked();
    const found = chosen(wish);
    const pages = Math.max(1, Math.ceil(found.length / PER_PAGE));
    page = Math.min(Math.max(page, 0), pages - 1);
    const start = page * PER_PAGE;
    const part = found.slice(start, start + PER_PAGE);
    list.replaceChildren(...part.map((one) => card(one, wish)));
    const count = (number) => number.toLocaleString("en");
    const held = data.items.length < data.total ? ` (${count(data.total)} were asked; the others are in the run folder)` : "";
    status.textContent = found.length
      ? `${count(found.length)} of ${count(data.items.length)} items${held}; shown: ${start + 1} to ${start + part.length}`
      : `No item of ${count(data.items.length)} fits these filters${held}`;
    for (const button of root.querySelectorAll("[data-turn]")) {
      const next = page + Number(button.dataset.turn);
      button.disabled = next < 0 || next >= pages;
    }
    root.querySelector(".pages.below").hidden = part.length < 3;
  };

  const option = (value, label) => {
    const made = element("option", "", label);
    made.value = value;
    return made;
  };

  const fill = () => {
    control("arm").append(...data.arms.map((arm) => option(arm.name, arm.title)));
    control("against").append(option(BEST, "the best other"), ...data.arms.map((arm) => option(arm.name, arm.title)));
    control("metric").append(...data.metrics.map((metric) => option(metric, metric.replaceAll("_", " "))));
    control("arm").value = data.focus;
    control("metric").value = data.metric;
    const references = new Map();
    for (const item of data.items) references.set(item.r.trim(), (references.get(item.r.trim()) ?? 0) + 1);
    const isClosedSet = references.size > 1 && references.size <= 100 && references.size * 2 <= data.items.length;
    control("reference").append(option("", "any"), ...[...references].sort().filter(([text]) => isClosedSet && text.length < 80)
      .map(([text, number]) => option(text, `${visible(text)} (${number})`)));
    control("reference").closest("label").hidden = !isClosedSet;
    control("metric").closest("label").hidden = data.metrics.length < 2;
    control("against").closest("label").hidden = control("arm").closest("label").hidden = arms.length < 2;
    const hasCut = data.items.some((item) => item.a.some((answer) => answer?.[2]));
    control("cut").closest("label").hidden = !hasCut;
  };

  // A link may carry filters: report.html#items?outcome=lost&search=refund
  const readLink = () => {
    const [place, query] = location.hash.slice(1).split("?");
    if (place !== "items" || !query) return;
    for (const [name, value] of new URLSearchParams(query)) {
      if (!names.includes(name)) continue;
      const field = control(name);
      if (field.type === "checkbox") field.checked = value === "1";
      else if (field.tagName !== "SELECT" || [...field.options].some((one) => one.value === value)) field.value = value;
    }
    page = 0;
    show();
    root.scrollIntoView();
  };

  const writeLink = () => {
    const wish = asked();
    const plain = { arm: data.focus, against: BEST, outcome: "", metric: data.metric, reference: "", search: "", cut: false, sort: "gain" };
    const changed = names.filter((name) => wish[name] !== plain[name]).map((name) => [name, wish[name] === true ? "1" : wish[name]]);
    const query = new URLSearchParams(changed).toString();
    // Some browsers refuse this for pages opened as files; the filters work without.
    try { history.replaceState(null, "", query ? `#items?${query}` : "#items"); } catch { return; }
  };

  const turn = (by) => { page += by; show(); list.firstElementChild?.focus(); };

  const move = (by) => {
    const cards = [...list.children];
    const at = cards.indexOf(document.activeElement.closest("article"));
    const next = cards[at + by];
    if (next) { next.focus(); next.scrollIntoView({ block: "nearest" }); }
  };

  fill();
  root.hidden = false;
  document.documentElement.classList.add("scripted");
  root.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
  root.querySelector("form").addEventListener("input", () => { page = 0; show(); writeLink(); });
  root.querySelector("form").addEventListener("reset", () => setTimeout(() => {
    control("arm").value = data.focus; control("metric").value = data.metric; page = 0; show(); writeLink();
  }));
  for (const button of root.querySelectorAll("[data-turn]"))
    button.addEventListener("click", () => turn(Number(button.dataset.turn)));
  list.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("summary, input")) return;
    if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "n" && !root.querySelector('[data-turn="1"]').disabled) turn(1);
    else if (event.key === "p" && !root.querySelector('[data-turn="-1"]').disabled) turn(-1);
  });
  window.addEventListener("hashchange", readLink);
  show();
  readLink();
})();
