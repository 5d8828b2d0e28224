/** The page `/data`: how the data of a file, an example or a run are understood, and the baselines to beat. */
import { html, useState } from "./html.js";
import { DataLook } from "./data/look.js";
import { useSource } from "./new/begin.js";
import { navigate, withQuery } from "./router.js";
import { Button, Empty, ErrorBox, Loading, Panel, useTitle } from "./ui.js";
import { Sources } from "./new/sources.js";

export default function Data({ route }) {
  useTitle("Data");
  const [yaml, setYaml] = useState(null);
  const named = ["file", "example", "run"].find((name) => route.query.has(name));
  const begun = useSource(route.query, setYaml, { fallback: null });
  const [choosing, setChoosing] = useState(null);
  const look = (values) => {
    setChoosing(null);
    navigate(withQuery("/data", values));
  };
  return html`<div class="page">
    <div class="page-head">
      <div class="named"><h1>Data</h1>${begun.title && html`<p class="soft line">${begun.title}</p>`}</div>
      <div class="actions">
        <${Button} onClick=${() => setChoosing("examples")}>Examples …<//>
        <${Button} onClick=${() => setChoosing("files")}>Your data …<//>
        ${named && html`<a class="button primary" href=${withQuery("/new", { [named]: route.query.get(named) })}>Search with these</a>`}
      </div>
    </div>
    <${ErrorBox} error=${begun.error} />
    ${!named ? html`<${Empty} title="How will your data be understood?">
        <p>Choose a file: what is read of it is drafted, drawn, and measured against simple baselines before any search.</p>
        <p><${Button} kind="primary" onClick=${() => setChoosing("files")}>Choose a data file<//></p><//>`
      : begun.error ? "" : yaml ? html`<${Panel}><${DataLook} yaml=${yaml} /><//>` : html`<${Loading} />`}
    ${choosing && html`<${Sources} first=${choosing} onClose=${() => setChoosing(null)}
      onExample=${(example) => look({ example })} onFile=${(file) => look({ file })} />`}
  </div>`;
}
