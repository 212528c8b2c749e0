// Points in time as the reader's own clock and language say them. The formats are the Bot API's: "r" for relative, or any of
// w (weekday), d or D (short or long date), t or T (short or long time), in this order.

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const dayName = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const units = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

export const clockTime = (date) => clock.format(date);
export const fullTime = (date) => full.format(date);

export function dayLabel(date, now) {
  const days = Math.round((midnight(now) - midnight(date)) / 86400000);
  if (days === 0 || days === 1) {
    const words = relative.format(-days, "day");
    return words[0].toLocaleUpperCase() + words.slice(1);
  }
  return dayName.format(date);
}

function midnight(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

export function relativeTime(date, now) {
  const seconds = Math.round((date - now) / 1000);
  // A unit is used from one and a half of it on: "in 24 hours" says more than "tomorrow".
  const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size * (size > 3600 ? 1.5 : 1)) || units.at(-1);
  return relative.format(Math.round(seconds / size), unit);
}

export function formatTime(date, format, fallback, now) {
  if (format === "r") return relativeTime(date, now);
  const options = {};
  for (const c of format || "") {
    if (c === "w") options.weekday = "short";
    if (c === "d") Object.assign(options, { day: "2-digit", month: "2-digit", year: "2-digit" });
    if (c === "D") Object.assign(options, { day: "numeric", month: "long", year: "numeric" });
    if (c === "t" || c === "T") Object.assign(options, { hour: "2-digit", minute: "2-digit" });
    if (c === "T") options.second = "2-digit";
  }
  return Object.keys(options).length ? new Intl.DateTimeFormat(undefined, options).format(date) : fallback;
}

// keepTime rewrites the relative times on the page as they pass.
export function keepTime(now) {
  setInterval(() => {
    for (const node of document.querySelectorAll("time[data-relative]")) {
      const words = relativeTime(new Date(node.dateTime), now());
      if (node.textContent !== words) node.textContent = words;
    }
  }, 1000);
}
