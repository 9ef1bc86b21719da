// A rule as a sentence that a merchandiser would say.

import type { Rule } from "../../types";

export const ACTIONS: readonly (readonly [Rule["action"], string])[] = [
  ["boost", "Show more of"],
  ["bury", "Show less of"],
  ["hide", "Never show"],
  ["pin", "Place at a position"],
  ["cap", "At most so many of one kind"],
  ["again", "Bring back after a purchase"],
];

/** The rule as a sentence, with the questions it is for. */
export function said(rule: Rule, title: (id: string) => string): string {
  const told = does(rule, title);
  if (!rule.queries?.length) return told;
  const asked = rule.queries.map((words) => `“${words}”`).join(" or ");
  return `${told}, when somebody searches for ${rule.match === "is" ? "exactly " : ""}${asked}`;
}

function does(rule: Rule, title: (id: string) => string): string {
  const what = about(rule, title);
  switch (rule.action) {
    case "boost":
      return `Show more of ${what}: score × ${rule.factor ?? 2}`;
    case "bury":
      return `Show less of ${what}: score × ${rule.factor ?? 0.5}`;
    case "hide":
      return `Never show ${what}`;
    case "pin":
      return `${what} at position ${rule.position ?? 1}`;
    case "cap":
      return `At most ${rule.most ?? 1} of one ${rule.per ?? "category"}, among ${what}`;
    case "again":
      return rule.days === undefined ? `${what}: never again once bought` : `${what}: again ${rule.days} days after a purchase`;
  }
}

function about(rule: Rule, title: (id: string) => string): string {
  const { include, category, brand } = rule.items ?? {};
  const parts = [include?.map(title).join(", "), category?.join(", "), brand && `the brand ${brand.join(", ")}`];
  return parts.filter(Boolean).join(" and ") || "everything";
}
