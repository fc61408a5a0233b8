// Returns what is wrong with the look of everything inside `selector`, one sentence a fault:
// wider than its place, text cut off, tiny text, text that hardly differs from what is behind it.
const [selector, limit] = arguments;
const pixel = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
const seenColours = new Map();

function rgba(colour) {
  if (!seenColours.has(colour)) {
    pixel.clearRect(0, 0, 1, 1);
    pixel.fillStyle = colour;
    pixel.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pixel.getImageData(0, 0, 1, 1).data;
    seenColours.set(colour, [r, g, b, a / 255]);
  }
  return seenColours.get(colour);
}

const over = (front, back) => [0, 1, 2].map((i) => front[i] * front[3] + back[i] * (1 - front[3])).concat(1);

function behind(element) { // null: a picture is behind it
  const layers = [];
  for (let one = element; one; one = one.parentElement) {
    const style = getComputedStyle(one);
    if (style.backgroundImage !== "none") return null;
    const colour = rgba(style.backgroundColor);
    if (colour[3] > 0) layers.push(colour);
    if (colour[3] === 1) break;
  }
  const schemes = getComputedStyle(document.documentElement).colorScheme;
  const isDark = schemes.includes("dark") && (!schemes.includes("light") || matchMedia("(prefers-color-scheme: dark)").matches);
  const page = isDark ? [18, 18, 18, 1] : [255, 255, 255, 1];
  return layers.reverse().reduce((back, front) => over(front, back), page);
}

function opacity(element) {
  let product = 1;
  for (let one = element; one; one = one.parentElement) product *= Number(getComputedStyle(one).opacity);
  return product;
}

function luminance(colour) {
  const [r, g, b] = colour.slice(0, 3).map((c) => ((c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(front, back) {
  const [a, b] = [luminance(over(front, back)), luminance(back)].sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05);
}

const ownText = (e) => [...e.childNodes].filter((n) => n.nodeType === 3 && n.data.trim()).map((n) => n.data.trim()).join(" ");
const name = (e) => `${e.tagName.toLowerCase()}${e.getAttribute("class") ? "." + e.getAttribute("class").split(/\s+/).slice(0, 3).join(".") : ""}`;
const told = (e) => `${name(e)} ${JSON.stringify((ownText(e) || e.textContent.trim()).slice(0, 40))}`;

function isSeen(element) {
  return element.checkVisibility({ opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true }) && !onlyForScreenReaders(element);
}

function onlyForScreenReaders(element) {
  for (let one = element; one && one !== document.body; one = one.parentElement) {
    const { width, height } = one.getBoundingClientRect();
    if (width <= 2 && height <= 2 && getComputedStyle(one).overflow !== "visible") return true;
  }
  return false;
}

function scrolls(element, root) { // inside something that can be scrolled sideways, so that nothing is lost
  for (let one = element; one && one !== root.parentElement; one = one.parentElement) {
    if (["auto", "scroll"].includes(getComputedStyle(one).overflowX)) return true;
  }
  return false;
}

function* faultsIn(root) {
  const edge = Math.min(root.getBoundingClientRect().left + root.clientWidth, document.documentElement.clientWidth) + 1;
  for (const element of [root, ...root.querySelectorAll("*")]) {
    if (["STYLE", "SCRIPT", "BR"].includes(element.tagName) || !isSeen(element)) continue;
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    if (element !== root && box.right > edge && !element.closest("svg svg, svg *") && !scrolls(element.parentElement, root)) {
      yield `wider than its place by ${Math.round(box.right - edge + 1)} px: ${told(element)}`;
    }
    if (!element.closest("svg") && element.textContent.trim()) {
      if (["hidden", "clip"].includes(style.overflowX) && style.textOverflow !== "ellipsis" && element.scrollWidth > element.clientWidth + 1) {
        yield `text cut off at the side: ${told(element)}`;
      }
      if (["hidden", "clip"].includes(style.overflowY) && element.scrollHeight > element.clientHeight + 3) {
        yield `text cut off below: ${told(element)}`;
      }
    }
    const text = ownText(element);
    if (!text || element.closest("[aria-hidden=true], [disabled], :disabled")) continue;
    const height = element.closest("svg") ? box.height : parseFloat(style.fontSize);
    if (height < 9) yield `text ${height.toFixed(1)} px high: ${told(element)}`;
    const back = behind(element);
    if (!back) continue;
    const front = [...rgba(element.closest("svg") ? style.fill : style.color)];
    front[3] *= opacity(element);
    const size = parseFloat(style.fontSize);
    const needed = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    const found = contrast(front, back);
    if (found < needed) yield `contrast ${found.toFixed(2)}: ${told(element)}`;
  }
}

function* all() {
  const page = document.documentElement;
  if (page.scrollWidth > page.clientWidth + 1) yield `the page is ${page.scrollWidth} px wide in a window of ${page.clientWidth} px`;
  const roots = [...document.querySelectorAll(selector)];
  if (!roots.length) yield `nothing on the page is ${selector}`;
  for (const root of roots) yield* faultsIn(root);
}

return [...new Set(all())].slice(0, limit);
