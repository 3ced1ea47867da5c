// Colours out of the style sheet, and a ramp whose lightness rises evenly to the eye.

const probe = document.createElement("i");
probe.hidden = true;
document.body.append(probe);

// Asking the style sheet makes the browser reckon all styles anew: once for each colour, not once for each word drawn.
const asked = new Map();
const told = new Map();
addEventListener("themechange", () => { asked.clear(); told.clear(); }, { capture: true }); // before anybody draws anew

function channels(name) {
  if (!asked.has(name)) {
    probe.style.color = `var(--${name})`;
    asked.set(name, getComputedStyle(probe).color.match(/[\d.]+/g).map(Number));
  }
  return asked.get(name);
}

/** A custom property of the style sheet as text, with another opacity if asked. */
export function colour(name, alpha = 1) {
  const key = `${name}/${alpha}`;
  let text = told.get(key);
  if (!text) {
    const [r, g, b, a = 1] = channels(name);
    text = `rgb(${r} ${g} ${b} / ${a * alpha})`;
    told.set(key, text);
  }
  return text;
}

export function isLight() {
  return document.documentElement.dataset.theme === "light";
}

/** OKLCH (B. Ottosson, 2020) to 8-bit sRGB, clipped. */
function oklch(lightness, chroma, hue) {
  const a = chroma * Math.cos((hue * Math.PI) / 180);
  const b = chroma * Math.sin((hue * Math.PI) / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  return linear.map((x) => {
    const y = Math.min(Math.max(x, 0), 1);
    return Math.round(255 * (y <= 0.0031308 ? 12.92 * y : 1.055 * y ** (1 / 2.4) - 0.055));
  });
}

/** 256 RGBA entries for a spectrogram; entry 0 (nothing known) is transparent. */
export function ramp() {
  const light = isLight();
  const table = new Uint8ClampedArray(256 * 4);
  for (let i = 1; i < 256; i += 1) {
    const x = (i - 1) / 254;
    const lightness = light ? 0.985 - 0.72 * x ** 1.15 : 0.155 + 0.79 * x;
    const chroma = (light ? 0.15 : 0.165) * Math.sin(Math.PI * (light ? 0.9 * x : 0.04 + 0.9 * x)) ** 0.8;
    const hue = light ? 75 - 145 * x : 275 + 170 * x ** 1.05;
    table.set([...oklch(lightness, chroma, hue), 255], 4 * i);
  }
  return table;
}
