// Numbers, money, times and names as people read them, in the language of their browser.

import type { Money } from "./types";

const LOCALE = navigator.languages;
const whole = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat(LOCALE, { notation: "compact", maximumFractionDigits: 1 });
const day = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short" });
const dayOfYear = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short", year: "numeric" });
const month = new Intl.DateTimeFormat(LOCALE, { month: "short", year: "numeric" });
const moment = new Intl.DateTimeFormat(LOCALE, {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
});
const clock = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const ago = new Intl.RelativeTimeFormat(LOCALE, { numeric: "auto" });
const agoShort = new Intl.RelativeTimeFormat(LOCALE, { numeric: "auto", style: "short" });

export const count = (n: number): string => whole.format(n);
export const compact = (n: number): string => (Math.abs(n) < 10_000 ? whole.format(n) : short.format(n));

/** A number with as many digits as matter: 0.1234, 12.3, 1,234. */
export function decimal(n: number, digits = 3): string {
  return new Intl.NumberFormat(LOCALE, { maximumSignificantDigits: digits }).format(n);
}

export function percent(part: number, of: number): string {
  if (!of) return "–";
  const share = part / of;
  const digits = share > 0 && share < 0.1 ? 1 : 0;
  return new Intl.NumberFormat(LOCALE, { style: "percent", maximumFractionDigits: digits }).format(share);
}

/** Contributions and scores: signed, three decimals, so that a column of them can be added by eye. */
export function signed(n: number): string {
  return new Intl.NumberFormat(LOCALE, { signDisplay: "exceptZero", minimumFractionDigits: 3, maximumFractionDigits: 3 }).format(
    n,
  );
}

export const fixed = (n: number, digits = 3): string =>
  new Intl.NumberFormat(LOCALE, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(n);

export function milliseconds(ms: number): string {
  return ms >= 1000 ? `${decimal(ms / 1000)} s` : `${decimal(ms)} ms`;
}

export function duration(seconds: number): string {
  if (seconds < 1) return milliseconds(seconds * 1000);
  if (seconds < 120) return `${decimal(seconds)} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${decimal(seconds / 3600)} h`;
}

/** Minor units with their currency: 3900 EUR is €39.00, 3900 JPY is ¥3,900. */
export function money(price: Money): string {
  const style = new Intl.NumberFormat(LOCALE, { style: "currency", currency: price.currency });
  const digits = style.resolvedOptions().maximumFractionDigits ?? 2;
  return style.format(price.amount / 10 ** digits);
}

// Times inside Aisle are microseconds since 1970.
export const dateOf = (micros: number): string => dayOfYear.format(micros / 1000);
export const dayOf = (micros: number): string => day.format(micros / 1000);
export const monthOf = (micros: number): string => month.format(micros / 1000);
export const momentOf = (micros: number): string => moment.format(micros / 1000);
export const clockOf = (micros: number): string => clock.format(micros / 1000);

const STEPS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_557_600],
  ["month", 2_629_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

export function since(micros: number, now = Date.now() * 1000): string {
  const seconds = (micros - now) / 1e6;
  for (const [unit, length] of STEPS)
    if (Math.abs(seconds) >= length) return (length < 86_400 ? agoShort : ago).format(Math.trunc(seconds / length), unit);
  return Math.abs(seconds) < 10 ? "just now" : agoShort.format(Math.trunc(seconds), "second");
}

const EVENT_NAMES: Record<string, string> = {
  impression: "Shown",
  click: "Clicked",
  view: "Viewed",
  add_to_cart: "Added to cart",
  remove_from_cart: "Removed from cart",
  favourite: "Favourited",
  purchase: "Bought",
  refund: "Returned",
  rate: "Rated",
  dismiss: "Not interested",
};
export const eventName = (type: string): string => EVENT_NAMES[type] ?? words(type);

/** "user_neighbours" as "User neighbours". */
export function words(name: string): string {
  return capital(name.replaceAll("_", " "));
}

export const plural = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`;

// A message of the API as a line, and as a sentence of its own.
export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
export const sentence = (text: string): string => capital(text) + (/[.!?…]$/.test(text) ? "" : ".");
