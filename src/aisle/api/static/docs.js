// Draws /openapi.json: every operation with its request, its answer and a form to try it. No library, nothing from elsewhere.
"use strict";

const METHODS = ["get", "put", "post", "delete"];

/** An element with attributes and children; text is always set as text. */
function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null && child !== ""));
  return made;
}

/** Text with `code` marked as such. */
function prose(text) {
  return text.split("`").map((part, at) => (at % 2 ? el("code", {}, part) : part));
}

class Page {
  constructor(spec) {
    this.spec = spec;
    this.key = document.getElementById("key");
    this.main = document.getElementById("main");
    this.index = document.getElementById("index");
  }

  draw() {
    document.title = `${this.spec.info.title} API ${this.spec.info.version}`;
    this.main.replaceChildren(...this.spec.info.description.split("\n\n").map((text) => el("p", {}, ...prose(text))));
    for (const { name } of this.spec.tags) this.group(name);
    this.errors();
    if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
  }

  group(tag) {
    this.main.append(el("h2", {}, tag));
    this.index.append(el("strong", {}, tag));
    for (const [path, methods] of Object.entries(this.spec.paths)) {
      for (const method of METHODS) {
        const operation = methods[method];
        if (operation?.tags[0] !== tag) continue;
        const id = operation.operationId;
        const title = [el("span", { class: `method ${method}` }, method.toUpperCase()), ` ${path}`];
        this.index.append(el("a", { href: `#${id}` }, ...title.map((part) => (part.cloneNode ? part.cloneNode(true) : part))));
        this.main.append(this.operation(id, title, path, method, operation));
      }
    }
  }

  operation(id, title, path, method, operation) {
    const answer = Object.entries(operation.responses).find(([status]) => status < "300");
    const [media, content] = Object.entries(answer[1].content)[0];
    const others = Object.keys(operation.responses).filter((status) => status >= "300");
    return el(
      "section",
      { id },
      el("h3", { class: "mono" }, ...title),
      el("p", {}, el("strong", {}, operation.summary), ". ", ...prose(operation.description)),
      this.parameters(operation.parameters),
      ...this.body(operation.requestBody),
      el("details", {}, el("summary", {}, `Answer ${answer[0]}`), el("p", { class: "soft" }, media), this.shape(content.schema)),
      el("p", { class: "soft" }, `Errors: ${others.join(", ")}`),
      this.trial(path, method, operation),
    );
  }

  parameters(parameters) {
    if (!parameters.length) return "";
    const rows = parameters.map((p) =>
      el("tr", {}, el("td", {}, el("code", {}, p.name), p.required ? " *" : ""), el("td", {}, p.in), el("td", {}, this.type(p.schema)),
        el("td", {}, ...prose(p.description ?? ""))),
    );
    return el("table", {}, el("tr", {}, ...["Parameter", "In", "Type", ""].map((name) => el("th", {}, name))), ...rows);
  }

  body(body) {
    const content = body?.content["application/json"];
    if (!content) return [];
    const kinds = Object.keys(body.content).join(", ");
    return [el("details", {}, el("summary", {}, "Request"), el("p", { class: "soft" }, kinds), this.shape(content.schema))];
  }

  /** A schema's members as a table; members that are objects themselves follow below it. */
  shape(schema, seen = new Set()) {
    const found = this.resolve(schema);
    const inner = this.inner(found);
    if (!found.properties) return inner ? this.shape(inner, seen) : el("p", {}, this.type(found));
    if (seen.has(found)) return el("p", {}, this.type(schema));
    seen.add(found);
    const rows = Object.entries(found.properties).map(([name, facts]) =>
      el("tr", {}, el("td", {}, el("code", {}, name), found.required?.includes(name) ? " *" : ""), el("td", {}, this.type(facts)),
        el("td", {}, ...prose(this.told(facts)))),
    );
    const below = Object.values(found.properties).map((facts) => this.inner(facts)).filter((kind) => kind && !seen.has(this.resolve(kind)));
    const told = found.description ? [el("p", {}, el("strong", {}, found.title ?? ""), " ", ...prose(found.description))] : [];
    return el("div", {}, ...told, el("table", {}, ...rows), ...below.map((kind) => this.shape(kind, seen)));
  }

  /** The object a member is, or holds; null where it is plain. */
  inner(facts) {
    for (const kind of [facts, facts.items, facts.additionalProperties, ...(facts.anyOf ?? [])]) {
      if (kind?.$ref) return kind;
      if (kind?.items?.$ref) return kind.items;
    }
    return null;
  }

  type(facts) {
    if (facts.$ref) return facts.$ref.split("/").pop();
    if (facts.anyOf) return facts.anyOf.map((kind) => this.type(kind)).join(" | ");
    if (facts.enum) return facts.enum.map((value) => JSON.stringify(value)).join(" | ");
    if (facts.const !== undefined) return JSON.stringify(facts.const);
    if (facts.type === "array") return `${this.type(facts.items ?? {})}[]`;
    const bounds = [["minimum", "≥"], ["maximum", "≤"], ["minLength", "length ≥"], ["maxLength", "length ≤"]]
      .filter(([name]) => facts[name] !== undefined).map(([name, sign]) => `${sign} ${facts[name]}`);
    const standard = facts.default !== undefined && facts.default !== null ? ` = ${JSON.stringify(facts.default)}` : "";
    return [facts.type ?? "any", bounds.length ? ` (${bounds.join(", ")})` : "", standard].join("");
  }

  told(facts) {
    return facts.description ?? (facts.anyOf ?? []).map((kind) => kind.description).find(Boolean) ?? "";
  }

  resolve(schema) {
    return schema.$ref ? this.spec.components.schemas[schema.$ref.split("/").pop()] : schema;
  }

  /** The form that sends the operation, with its example filled in. */
  trial(path, method, operation) {
    const content = operation.requestBody?.content["application/json"];
    const inputs = operation.parameters.map((p) => [p, el("input", { size: 18, "aria-label": p.name, placeholder: p.name })]);
    const text = content ? el("textarea", { "aria-label": "Request body", spellcheck: "false" }) : null;
    if (text) text.value = JSON.stringify(content.example ?? {}, null, 2);
    const send = el("button", { type: "button" }, "Send");
    const output = el("pre", { hidden: "", "aria-live": "polite" });
    send.addEventListener("click", () => this.send(path, method, inputs, text, output));
    const fields = inputs.map(([p, input]) => el("label", {}, `${p.name} `, input));
    return el("details", {}, el("summary", {}, "Try it"), el("div", { class: "row" }, ...fields), text ?? "", el("div", { class: "row" }, send), output);
  }

  async send(path, method, inputs, text, output) {
    const headers = {};
    if (this.key.value) headers.authorization = `Bearer ${this.key.value.trim()}`;
    const query = new URLSearchParams();
    let url = path;
    for (const [p, input] of inputs) {
      if (p.in === "path") url = url.replace(`{${p.name}}`, encodeURIComponent(input.value));
      else if (input.value && p.in === "query") query.append(p.name, input.value);
      else if (input.value) headers[p.name] = input.value;
    }
    if (text) headers["content-type"] = "application/json";
    output.hidden = false;
    output.textContent = "…";
    try {
      const tail = query.size ? `?${query}` : "";
      const response = await fetch(url + tail, { method: method.toUpperCase(), headers, body: text?.value ?? null, credentials: "omit" });
      const body = await response.text();
      const timing = response.headers.get("server-timing") ?? "";
      output.textContent = `${response.status}  ${timing}\n\n${pretty(body)}`;
    } catch (error) {
      output.textContent = `The server does not answer: ${error.message}`;
    }
  }

  /** What each error code means: `type` of a problem leads here. */
  errors() {
    this.main.append(el("h2", {}, "errors"));
    this.index.append(el("strong", {}, "errors"));
    for (const { code, status, title, about } of this.spec["x-errors"]) {
      this.index.append(el("a", { href: `#${code}` }, `${status} ${code}`));
      this.main.append(el("section", { id: code }, el("h3", { class: "mono" }, `${status} ${code}`), el("p", {}, `${title}. `, ...prose(about))));
    }
  }
}

function pretty(body) {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}

fetch("/openapi.json")
  .then((response) => response.json())
  .then((spec) => new Page(spec).draw());
