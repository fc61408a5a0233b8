// Returns what inside `selector` could run, lead elsewhere or mislead, though nothing of it ran yet.
const [selector] = arguments;
const found = [];
for (const root of document.querySelectorAll(selector)) {
  for (const one of root.querySelectorAll("*")) {
    if (["SCRIPT", "IFRAME", "OBJECT", "EMBED", "BASE", "META", "LINK"].includes(one.tagName)) found.push(one.outerHTML.slice(0, 200));
    for (const { name, value } of one.attributes) {
      if (name.startsWith("on") || /^\s*(javascript|data:text\/html)/i.test(value) && ["href", "src", "xlink:href", "action"].includes(name)) {
        found.push(`${one.tagName} ${name}=${value.slice(0, 100)}`);
      }
      if (["src", "href", "srcset", "xlink:href", "action"].includes(name) && /^\s*(https?:)?\/\//i.test(value) && !value.startsWith(location.origin)) {
        found.push(`${one.tagName} leads to ${value.slice(0, 100)}`);
      }
    }
  }
  const hidden = root.textContent.match(/[\u0000-\u0008\u000b-\u001f\u200e\u200f\u202a-\u202e\u2066-\u2069]/);
  if (hidden) found.push(`U+${hidden[0].charCodeAt(0).toString(16)} in the text`);
}
return found;
