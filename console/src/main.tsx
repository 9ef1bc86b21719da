// Starts the console: takes a key from the address if one is there, then shows the door or the house.

import { render, type JSX } from "preact";
import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { Api, type ApiError } from "./api";
import { Frame } from "./Frame";
import { asApiError, ItemStore, PictureStore, ShopContext, type Shop } from "./hooks";
import { Failure } from "./parts/basics";
import { SignIn } from "./pages/SignIn";
import { applyScheme, dropKey, keepKey, readKey, readScheme, takeKeyFromAddress } from "./session";
import type { Me } from "./types";

function Console(): JSX.Element {
  const [key, setKey] = useState(readKey);
  const [refused, setRefused] = useState(false);
  const leave = useCallback((wasRefused: boolean) => {
    dropKey();
    setKey(null);
    setRefused(wasRefused);
  }, []);
  useEffect(() => {
    const follow = (): void => {
      takeKeyFromAddress();
      setKey(readKey());
    };
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  if (key === null)
    return (
      <SignIn
        refused={refused}
        onKey={(fresh) => {
          keepKey(fresh);
          setKey(fresh);
        }}
      />
    );
  return <House key={key} apiKey={key} leave={leave} />;
}

function House({ apiKey, leave }: { apiKey: string; leave: (refused: boolean) => void }): JSX.Element {
  const api = useMemo(() => new Api(apiKey, () => leave(true)), [apiKey, leave]);
  const [me, setMe] = useState<Me | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    setError(null);
    api
      .get<Me>("/v1/me", stop.signal)
      .then(setMe, (problem: unknown) => stop.signal.aborted || setError(asApiError(problem)));
    return () => stop.abort();
  }, [api, turn]);
  const shop = useMemo<Shop>(
    () => ({
      api,
      items: new ItemStore(api),
      pictures: new PictureStore(api),
      scopes: me?.scopes ?? [],
      tasks: me?.tasks ?? [],
    }),
    [api, me],
  );
  return (
    <ShopContext.Provider value={shop}>
      {error ? (
        <main class="door">
          <Failure error={error} retry={() => setTurn(turn + 1)} />
        </main>
      ) : (
        me && <Frame leave={() => leave(false)} />
      )}
    </ShopContext.Provider>
  );
}

takeKeyFromAddress();
applyScheme(readScheme());
const root = document.getElementById("app");
if (root) render(<Console />, root);
