// How far an item moved in a list, beside the usual one.

import type { JSX } from "preact";
import { decimal } from "../format";
import { Badge } from "./basics";

interface Props {
  place: number;
  was: number | null | undefined; // its place in the usual list; null: not in it; undefined: nothing to compare with
}

export function Moved({ place, was }: Props): JSX.Element | null {
  if (was === undefined || was === place) return null;
  if (was === null) return <Badge kind="accent">New</Badge>;
  const steps = was - place;
  return (
    <Badge kind={steps > 0 ? "good" : "plain"}>
      <span aria-hidden="true">{steps > 0 ? "↑" : "↓"}</span>
      <span class="unseen">{steps > 0 ? "Up " : "Down "}</span>
      {decimal(Math.abs(steps))}
    </Badge>
  );
}
