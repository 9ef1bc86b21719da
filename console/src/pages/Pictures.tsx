// A picture, dropped, pasted or photographed: what is in it, where, why, and which products look like it.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { percent, plural } from "../format";
import { useAnswer, useItems } from "../hooks";
import { Await, Badge, Bars, Card, Choice, Empty } from "../parts/basics";
import { PickItem } from "../parts/Pick";
import { Reasons } from "../parts/Reasons";
import { href } from "../router";
import type { Box, Classified, Described, Detected, HeatMap } from "../types";
import { Alike } from "./pictures/Alike";
import { type Sent, Take } from "./pictures/Take";
import { Stage } from "./pictures/Stage";

const NONE = "none";

export function PicturesPage({ id }: { id: string | null }): JSX.Element {
  const [sent, setSent] = useState<Sent | null>(null);
  const rows = useItems(id ? [id] : []);
  const item = id ? rows.get(id)?.item : undefined;
  const image = id ? { item_id: id } : sent ? { base64: sent.base64 } : null;
  return (
    <>
      <header class="page-head">
        <div>
          <h1>Pictures</h1>
          <p class="quiet">What the recogniser sees in a picture, where and why, and which products look like it.</p>
        </div>
      </header>
      <div class="takes">
        <Take
          onPicture={(picture) => {
            setSent(picture);
            if (id) location.hash = href("pictures");
          }}
        />
        <Card title="Or an item’s own picture">
          <PickItem label="Item" onPick={(row) => (location.hash = href("pictures", row.item.item_id))} />
        </Card>
      </div>
      {image && (id || sent) ? (
        <Looked key={id ?? sent?.name} image={image} shown={sent && !id ? sent.url : (item?.image_urls?.[0] ?? null)} ours={Boolean(id)} name={item?.title ?? sent?.name ?? id ?? ""} />
      ) : null}
    </>
  );
}

interface LookedProps {
  image: { item_id: string } | { base64: string };
  shown: string | null;
  ours: boolean; // it lies on this server and is fetched with the key
  name: string;
}

function Looked({ image, shown, ours, name }: LookedProps): JSX.Element {
  const [box, setBox] = useState<Box | null>(null);
  const [heat, setHeat] = useState(NONE);
  const stamp = "item_id" in image ? image.item_id : image.base64;
  const part = box ? { image, box } : { image };
  const found = useAnswer<Detected>((api, signal) => api.post("/v1/vision/detect", { image, classify: true }, signal), [stamp]);
  const seen = useAnswer<Classified>(
    (api, signal) => api.post("/v1/vision/classify", { ...part, explain: "full" }, signal),
    [stamp, box?.join()],
  );
  const described = useAnswer<Described>(
    (api, signal) => api.post("/v1/vision/describe", { ...part, explain: "full" }, signal),
    [stamp, box?.join()],
  );
  const maps = [...(seen.data?.heat_maps ?? []), ...(described.data?.heat_maps ?? [])];
  const chosen = maps.find((map) => keyOf(map) === heat);
  useEffect(() => setHeat(NONE), [box?.join()]);
  return (
    <>
      <div class="looked">
        <Card title="What is where" note={found.data ? plural(found.data.objects.length, "thing") : undefined}>
          <Await of={found} lines={8}>
            {(detected) => (
              <Stage detected={detected} shown={shown} ours={ours} name={name} box={box} onBox={setBox} {...(chosen ? { heat: chosen } : {})} />
            )}
          </Await>
          <Choice
            label="Heat map"
            value={heat}
            onChange={setHeat}
            options={[[NONE, "None"], ...maps.map((map) => [keyOf(map), `${map.label} (${map.of})`] as const)]}
          />
          <p class="quiet">Warm places speak for the label, cold ones against it.</p>
        </Card>
        <Card title={box ? "What is in the box" : "What it is"} {...(seen.data ? { note: `By ${seen.data.model}` } : {})}>
          <Await of={seen} lines={6}>
            {(answer) => (
              <>
                <p>
                  {answer.known ? <Badge kind="good">Known kind of thing</Badge> : <Badge kind="warn">Unlike anything it learnt</Badge>}
                </p>
                <Bars
                  whole={1}
                  bars={answer.labels.map((label) => ({ name: label.label, value: label.probability, text: percent(label.probability, 1) }))}
                />
                {answer.reasons && answer.labels[0] && <Reasons reasons={answer.reasons} score={answer.labels[0].logit} whole={false} />}
              </>
            )}
          </Await>
          <h3>Attributes</h3>
          <Await of={described} lines={6}>
            {({ attributes }) => <Attributes attributes={attributes} />}
          </Await>
        </Card>
      </div>
      <Alike part={part} stamp={`${stamp}${box?.join() ?? ""}`} />
    </>
  );
}

function Attributes({ attributes }: { attributes: Described["attributes"] }): JSX.Element {
  const names = Object.keys(attributes);
  if (names.length === 0)
    return (
      <Empty title="No attributes learnt">
        <p>Give items attributes such as colour or material, then train vision on Models.</p>
      </Empty>
    );
  return (
    <dl class="attributes">
      {names.map((name) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            {(attributes[name] ?? []).map((label) => `${label.label} ${percent(label.probability, 1)}`).join(", ")}
          </dd>
        </div>
      ))}
    </dl>
  );
}

const keyOf = (map: HeatMap): string => `${map.of}/${map.label}`;
