// What merchandisers want of every answer: the rules in force, a new one, and what a shopper sees under them.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { path, type ApiError } from "../api";
import { asApiError, useAnswer, useGet, useItems, useShop } from "../hooks";
import { Await, Badge, Card, Empty, Failure } from "../parts/basics";
import { about, ItemLine } from "../parts/ItemLine";
import { PickUser } from "../parts/Pick";
import { fixed, plural } from "../format";
import type { Page, Rule, Suggestions } from "../types";
import { NewRule } from "./rules/NewRule";
import { said } from "./rules/words";

const SHOWN = 12;
const NOBODY = "somebody-new";

export function RulesPage(): JSX.Element {
  const { api, scopes } = useShop();
  const rules = useGet<Page<Rule>>("/v1/rules");
  const [changes, setChanges] = useState(0);
  const [error, setError] = useState<ApiError | null>(null);
  const mayChange = scopes.includes("admin");
  const changed = (): void => {
    rules.reload();
    setChanges(changes + 1);
  };
  const remove = (rule: Rule): void => {
    setError(null);
    api.delete(path("/v1/rules", [rule.rule_id])).then(changed, (problem: unknown) => setError(asApiError(problem)));
  };
  return (
    <>
      <header class="page-head">
        <div>
          <h1>Rules</h1>
          <p class="quiet">What you want of every list, whatever the model thinks. It counts from the next answer on.</p>
        </div>
      </header>
      <div class="columns beside">
        <div>
          <Card title="In force" note={rules.data ? plural(rules.data.data.length, "rule") : null}>
            {error && <Failure error={error} />}
            <Await of={rules} lines={3}>
              {({ data }) =>
                data.length === 0 ? (
                  <Empty title="No rules">
                    <p>The model alone decides, within stock and filters.</p>
                  </Empty>
                ) : (
                  <Rules rules={data} onRemove={mayChange ? remove : null} />
                )
              }
            </Await>
          </Card>
          {mayChange && <NewRule onSet={changed} />}
        </div>
        <Seen changes={changes} />
      </div>
    </>
  );
}

function Rules({ rules, onRemove }: { rules: Rule[]; onRemove: ((rule: Rule) => void) | null }): JSX.Element {
  const items = useItems(rules.flatMap((rule) => rule.items?.include ?? []));
  const title = (id: string): string => items.get(id)?.item.title ?? id;
  return (
    <ul class="lines" aria-label="Rules in force">
      {rules.map((rule) => (
        <li key={rule.rule_id}>
          <div class="row">
            <span class="grow">
              <b>{said(rule, title)}</b>
              <span class="quiet rule-note">{[rule.note, rule.rule_id].filter(Boolean).join(" · ")}</span>
            </span>
            {onRemove && (
              <button type="button" class="small" onClick={() => onRemove(rule)} aria-label={`Remove ${rule.rule_id}`}>
                Remove
              </button>
            )}
          </div>
        </li>
      ))}
    </ul>
  );
}

/** The list of one shopper as it is now; what a rule did is said beside the item. */
function Seen({ changes }: { changes: number }): JSX.Element {
  const [userId, setUserId] = useState(NOBODY);
  const answer = useAnswer(
    (api, signal) =>
      api.post<Suggestions>("/v1/recommend/for_user", { user_id: userId, n: SHOWN, explain: "full" }, signal),
    [userId, changes],
  );
  return (
    <Card title="What a shopper sees now" note={userId === NOBODY ? "Somebody who has never been here" : userId}>
      <PickUser onPick={setUserId} />
      <Await of={answer} lines={SHOWN}>
        {(found) => <List found={found} />}
      </Await>
    </Card>
  );
}

function List({ found }: { found: Suggestions }): JSX.Element {
  const rows = useItems(found.items.map((one) => one.item_id));
  return (
    <ol class="lines">
      {found.items.map((one) => {
        const row = rows.get(one.item_id);
        const rule = one.reasons?.find((reason) => reason.kind === "rule");
        return (
          <li key={one.item_id}>
            <ItemLine id={one.item_id} row={row} note={row ? about(row.item) : undefined}>
              <span class="row tight end">
                {rule && <Badge kind="accent">{rule.text}</Badge>}
                <span class="score number">{fixed(one.score)}</span>
              </span>
            </ItemLine>
          </li>
        );
      })}
    </ol>
  );
}
