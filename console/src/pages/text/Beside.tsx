// What else is known of a text: language, whether it is rude, and the text as it would be stored, personal data masked.

import type { JSX } from "preact";
import { percent, plural } from "../../format";
import { Badge, Bars, Card } from "../../parts/basics";
import type { TextRead } from "../../types";

const MASK = /(\[(?:email|phone|card|account|identity|address|name)\])/;
const names = new Intl.DisplayNames(navigator.languages, { type: "language", fallback: "code" });

export const Beside = ({ read }: { read: TextRead }): JSX.Element => (
  <Card title="Beside that" class="beside-that">
    <dl class="pairs beside-text">
      <div>
        <dt>Language</dt>
        <dd>
          {read.language?.length ? (
            <Bars
              whole={1}
              bars={read.language.map(({ label, probability }) => ({
                name: language(label),
                value: probability,
                text: percent(probability, 1),
              }))}
            />
          ) : (
            "Not known here"
          )}
        </dd>
      </div>
      <div>
        <dt>Words</dt>
        <dd>
          <Rude labels={read.unsafe ?? []} />
        </dd>
      </div>
      <div>
        <dt>Personal data</dt>
        <dd>
          {read.personal?.length ? (
            <span class="row">
              {read.personal.map(({ kind, count }) => (
                <Badge key={kind} kind="warn">
                  {plural(count, kind, `${kind}s`)}
                </Badge>
              ))}
            </span>
          ) : (
            "None found"
          )}
        </dd>
      </div>
    </dl>
    {read.personal?.length ? (
      <>
        <h3>As it would be stored</h3>
        <p class="tokens" dir="auto">
          {read.text.split(MASK).map((part, k) => (MASK.test(part) ? <mark key={k}>{part}</mark> : part))}
        </p>
      </>
    ) : null}
  </Card>
);

function Rude({ labels }: { labels: NonNullable<TextRead["unsafe"]> }): JSX.Element {
  const [best] = labels;
  if (!best) return <>Not judged here</>;
  return (
    <Badge kind={best.label === "safe" ? "good" : "bad"}>
      {best.label === "safe" ? "Harmless" : "Unsafe"}, {percent(best.probability, 1)}
    </Badge>
  );
}

function language(code: string): string {
  try {
    return names.of(code.replace("_", "-")) ?? code;
  } catch {
    return code;
  }
}
