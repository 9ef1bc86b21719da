// A place to drop, paste, choose or photograph a picture.

import type { JSX } from "preact";
import { useEffect, useId, useState } from "preact/hooks";
import { Card } from "../../parts/basics";

export interface Sent {
  base64: string;
  url: string; // an object URL, to show it
  name: string;
}

const MOST = 10 * 1024 * 1024;
const KINDS = ["image/jpeg", "image/png", "image/webp", "image/gif"];

export function Take({ onPicture }: { onPicture: (picture: Sent) => void }): JSX.Element {
  const [over, setOver] = useState(false);
  const [wrong, setWrong] = useState("");
  const id = useId();
  const take = async (file: File | null | undefined): Promise<void> => {
    if (!file) return;
    if (!KINDS.includes(file.type)) return setWrong("Only JPEG, PNG, WebP and GIF pictures are read.");
    if (file.size > MOST) return setWrong("The picture is larger than 10 MB.");
    setWrong("");
    onPicture({ base64: await base64(file), url: URL.createObjectURL(file), name: `${file.name || "picture"} ${Date.now()}` });
  };
  useEffect(() => {
    const paste = (event: ClipboardEvent): void => {
      const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/"));
      if (file) void take(file);
    };
    addEventListener("paste", paste);
    return () => removeEventListener("paste", paste);
  });
  return (
    <Card title="A picture of yours">
      <div
        class={over ? "drop over" : "drop"}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          void take(event.dataTransfer?.files[0]);
        }}
      >
        <p>Drop a picture here, paste one, or</p>
        <p class="row">
          <label class="file" for={id}>
            <span>Choose or take a photo</span>
            <input
              id={id}
              type="file"
              accept={KINDS.join()}
              onChange={(event) => {
                void take(event.currentTarget.files?.[0]);
                event.currentTarget.value = "";
              }}
            />
          </label>
        </p>
        {wrong && (
          <p class="bad" role="alert">
            {wrong}
          </p>
        )}
      </div>
    </Card>
  );
}

async function base64(file: File): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}
