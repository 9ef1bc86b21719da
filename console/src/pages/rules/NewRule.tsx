// The form for a new rule: what should happen, to which items, until when, and why.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { ApiError } from "../../api";
import { asApiError, useShop } from "../../hooks";
import { Card, Choice, Failure } from "../../parts/basics";
import { Icon } from "../../parts/icons";
import { PickItem } from "../../parts/Pick";
import type { ItemRow, Rule } from "../../types";
import { ACTIONS } from "./words";

const PER = [
  ["category", "Category"],
  ["brand", "Brand"],
  ["group", "Product with its variants"],
] as const;

interface Draft {
  action: Rule["action"];
  items: readonly ItemRow[];
  category: string;
  brand: string;
  number: string; // factor, position, most or days
  per: NonNullable<Rule["per"]>;
  queries: string; // a line or comma between them
  until: string; // a date
  note: string;
}

const BLANK: Draft = { action: "boost", items: [], category: "", brand: "", number: "", per: "category", queries: "", until: "", note: "" };
const NUMBERS: Partial<Record<Rule["action"], { name: "factor" | "position" | "most" | "days"; label: string; usual: string }>> = {
  boost: { name: "factor", label: "Score times", usual: "2" },
  bury: { name: "factor", label: "Score times", usual: "0.5" },
  pin: { name: "position", label: "Position", usual: "1" },
  cap: { name: "most", label: "At most", usual: "1" },
  again: { name: "days", label: "After days (empty: never)", usual: "" },
};

export function NewRule({ onSet }: { onSet: () => void }): JSX.Element {
  const { api } = useShop();
  const [draft, setDraft] = useState<Draft>(BLANK);
  const [error, setError] = useState<ApiError | null>(null);
  const change = (part: Partial<Draft>): void => setDraft({ ...draft, ...part });
  const set = (event: Event): void => {
    event.preventDefault();
    setError(null);
    api.put("/v1/rules", { rules: [rule(draft)] }).then(
      () => {
        setDraft(BLANK);
        onSet();
      },
      (problem: unknown) => setError(asApiError(problem)),
    );
  };
  const number = NUMBERS[draft.action];
  return (
    <Card title="A new rule">
      <form class="rule-form" onSubmit={set}>
        <Choice label="What should happen" value={draft.action} options={ACTIONS} onChange={(action) => change({ action, number: "" })} />
        {number && (
          <label class="field">
            <span>{number.label}</span>
            <input
              type="number"
              step="any"
              value={draft.number}
              placeholder={number.usual}
              onInput={(event) => change({ number: event.currentTarget.value })}
            />
          </label>
        )}
        {draft.action === "cap" && <Choice label="Of one" value={draft.per} options={PER} onChange={(per) => change({ per })} />}
        <PickItem label="Items" onPick={(row) => change({ items: [...draft.items.filter((one) => one !== row), row] })} />
        <Chosen items={draft.items} onChange={(items) => change({ items })} />
        {draft.action !== "pin" && (
          <>
            <Text label="Or a category" value={draft.category} hint="Clothing > Shirts" onText={(category) => change({ category })} />
            <Text label="Or a brand" value={draft.brand} onText={(brand) => change({ brand })} />
          </>
        )}
        {draft.action !== "again" && (
          <Text
            label="Only for searches with these words (commas between; empty: for every list)"
            value={draft.queries}
            hint="garden chair, patio"
            onText={(queries) => change({ queries })}
          />
        )}
        <label class="field">
          <span>Until (empty: until it is removed)</span>
          <input type="date" value={draft.until} onInput={(event) => change({ until: event.currentTarget.value })} />
        </label>
        <Text label="Why (said in the reasons)" value={draft.note} hint="winter sale" onText={(note) => change({ note })} />
        {error && <Failure error={error} />}
        <button type="submit" class="primary">
          Set the rule
        </button>
      </form>
    </Card>
  );
}

function Chosen({ items, onChange }: { items: readonly ItemRow[]; onChange: (items: readonly ItemRow[]) => void }): JSX.Element | null {
  if (items.length === 0) return null;
  return (
    <ul class="chips" aria-label="Items of the rule">
      {items.map((row) => (
        <li key={row.item.item_id}>
          <button
            type="button"
            class="chip"
            onClick={() => onChange(items.filter((one) => one !== row))}
            aria-label={`Remove ${row.item.title}`}
          >
            {row.item.title} <Icon name="close" size={14} />
          </button>
        </li>
      ))}
    </ul>
  );
}

interface TextProps {
  label: string;
  value: string;
  hint?: string;
  onText: (text: string) => void;
}

const Text = ({ label, value, hint = "", onText }: TextProps): JSX.Element => (
  <label class="field">
    <span>{label}</span>
    <input type="text" value={value} placeholder={hint} onInput={(event) => onText(event.currentTarget.value)} />
  </label>
);

/** The draft as the API takes it, named by what it says and when it was made. */
function rule(draft: Draft): Rule {
  const items = {
    ...(draft.items.length ? { include: draft.items.map((row) => row.item.item_id) } : {}),
    ...(draft.category.trim() ? { category: [draft.category.trim()] } : {}),
    ...(draft.brand.trim() ? { brand: [draft.brand.trim()] } : {}),
  };
  const number = NUMBERS[draft.action];
  const queries = draft.queries.split(",").map((words) => words.trim()).filter(Boolean);
  return {
    rule_id: `${draft.note.trim().toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-") || draft.action}-${Date.now().toString(36)}`,
    action: draft.action,
    items,
    ...(number && draft.number !== "" ? { [number.name]: Number(draft.number) } : {}),
    ...(draft.action === "cap" ? { per: draft.per } : {}),
    ...(queries.length ? { queries } : {}),
    ...(draft.until ? { ends_at: `${draft.until}T23:59:59Z` } : {}),
    ...(draft.note.trim() ? { note: draft.note.trim() } : {}),
  };
}
