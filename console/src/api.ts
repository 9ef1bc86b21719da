// Talks to Aisle's HTTP API with the key of this session. Every failure becomes an ApiError that says what to do.

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly requestId: string | null,
  ) {
    super(detail);
  }
}

interface Problem {
  detail?: string;
  title?: string;
  error?: { code?: string; message?: string };
}

export class Api {
  constructor(
    private readonly key: string,
    private readonly onRefused: () => void = () => undefined,
  ) {}

  get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return this.send<T>("GET", path, undefined, signal);
  }

  post<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
    return this.send<T>("POST", path, body, signal);
  }

  put<T>(path: string, body: unknown): Promise<T> {
    return this.send<T>("PUT", path, body);
  }

  delete<T>(path: string): Promise<T> {
    return this.send<T>("DELETE", path, undefined);
  }

  async blob(path: string): Promise<Blob> {
    return (await this.ask("GET", path, undefined, undefined, "default")).blob();
  }

  /** A WebSocket with the key, sent as browsers can: among the subprotocols. */
  socket(path: string): WebSocket {
    const url = new URL(path, location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    return new WebSocket(url, ["realtime", `openai-insecure-api-key.${this.key}`]);
  }

  private async send<T>(method: string, path: string, body: unknown, signal?: AbortSignal): Promise<T> {
    return (await this.ask(method, path, body, signal, "no-store")).json() as Promise<T>;
  }

  private async ask(
    method: string,
    path: string,
    body: unknown,
    signal: AbortSignal | undefined,
    cache: RequestCache,
  ): Promise<Response> {
    const headers: Record<string, string> = { authorization: `Bearer ${this.key}`, accept: "application/json, */*" };
    if (body !== undefined) headers["content-type"] = "application/json";
    let response: Response;
    try {
      response = await fetch(path, {
        method,
        headers,
        body: body === undefined ? null : JSON.stringify(body),
        signal: signal ?? null,
        cache,
        credentials: "omit",
        redirect: "error",
      });
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") throw error;
      throw new ApiError(0, "unreachable", "The server does not answer. Is `aisle serve` still running?", null);
    }
    if (response.ok) return response;
    throw await this.failure(response);
  }

  private async failure(response: Response): Promise<ApiError> {
    const problem = (await response.json().catch(() => ({}))) as Problem;
    if (response.status === 401) this.onRefused();
    return new ApiError(
      response.status,
      problem.error?.code ?? "error",
      problem.detail ?? problem.error?.message ?? problem.title ?? `The server answered ${response.status}.`,
      response.headers.get("x-request-id"),
    );
  }
}

/** A path with its parts and query escaped: `path("/v1/items", [id], {limit: 5})`. */
export function path(
  base: string,
  parts: readonly string[] = [],
  query: Record<string, string | number | undefined> = {},
): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== "") search.set(name, String(value));
  const tail = search.size ? `?${search}` : "";
  return [base, ...parts.map(encodeURIComponent)].join("/") + tail;
}
