// A model card as elements: headings, lists, tables, code and paragraphs. No markup of the card ever becomes markup here.

import { make } from "../page/panels.js";

/** The elements of a text in Markdown. Links and pictures stay the text that they are. */
export function cardNodes(text) {
  const lines = text.replace(/^---\n[\s\S]*?\n---\n/, "").split("\n");
  const nodes = [];
  let k = 0;
  while (k < lines.length) {
    const line = lines[k];
    if (/^\s*$/.test(line)) { k += 1; continue; }
    const heading = /^(#{1,6})\s+(.*)$/.exec(line);
    if (heading) {
      // The page has its own first and second headings above.
      nodes.push(make(`h${Math.min(6, heading[1].length + 2)}`, {}, ...inline(heading[2])));
      k += 1;
    } else if (/^```/.test(line)) {
      const stop = lines.findIndex((each, n) => n > k && /^```/.test(each));
      const end = stop < 0 ? lines.length : stop;
      nodes.push(make("pre", { tabindex: 0 }, lines.slice(k + 1, end).join("\n")));
      k = end + 1;
    } else if (/^\s*\|/.test(line)) {
      const end = after(lines, k, (each) => /^\s*\|/.test(each));
      nodes.push(table(lines.slice(k, end)));
      k = end;
    } else if (/^\s*[-*]\s/.test(line)) {
      const end = after(lines, k, (each) => /^\s*[-*]\s|^\s{2,}\S/.test(each));
      nodes.push(make("ul", {}, ...items(lines.slice(k, end)).map((item) => make("li", {}, ...inline(item)))));
      k = end;
    } else {
      const end = after(lines, k, (each) => /\S/.test(each) && !/^(#|```|\s*\||\s*[-*]\s)/.test(each));
      nodes.push(make("p", {}, ...inline(lines.slice(k, end).join(" "))));
      k = end;
    }
  }
  return nodes;
}

/** The first line from `k` on that is not so, at least one further. */
function after(lines, k, holds) {
  let end = k + 1;
  while (end < lines.length && holds(lines[end])) end += 1;
  return end;
}

function items(lines) {
  const found = [];
  for (const line of lines) {
    const item = /^\s*[-*]\s+(.*)$/.exec(line);
    if (item) found.push(item[1]);
    else found.push(`${found.pop() ?? ""} ${line.trim()}`);
  }
  return found;
}

function table(lines) {
  const rows = lines.map((line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim()));
  const rule = rows.length > 1 && rows[1].every((cell) => /^:?-+:?$/.test(cell));
  const [head, body] = rule ? [rows[0], rows.slice(2)] : [null, rows];
  const row = (cells, tag) => make("tr", {}, ...cells.map((cell) => make(tag, tag === "th" ? { scope: "col" } : {}, ...inline(cell))));
  return make("table", { tabindex: 0 }, head ? make("thead", {}, row(head, "th")) : null, make("tbody", {}, ...body.map((cells) => row(cells, "td"))));
}

/** Code and what is strong; everything else is text. */
function inline(text) {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).filter(Boolean).map((part) => {
    if (/^`[^`]+`$/.test(part)) return make("code", {}, part.slice(1, -1));
    if (/^\*\*[^*]+\*\*$/.test(part)) return make("strong", {}, part.slice(2, -2));
    return part;
  });
}
