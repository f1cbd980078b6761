import { type Html, html, inline, paragraphs } from '../http/html.ts'
import type { Page } from '../http/page.ts'
import type { Entry, EntryAnswer, EntryError, EntryRequest, Reference } from './reference.ts'
import type { FieldRow } from './shape.ts'

/** The readable page of one API. */
export function referencePage(reference: Reference): Page {
  const { name, title, summary, description, groups } = reference
  const many = groups.length > 1
  return {
    title,
    navigation: html`<details open><summary>${title}</summary>
${groups.map(
  (group) => html`${many && html`<h2>${group.title}</h2>`}
<ul>${group.entries.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}</ul>`,
)}</details>`,
    body: html`<h1>${title}</h1>
<p class="lead">${inline(summary)}</p>
${paragraphs(description)}
<p>The same for programs: <a href="/openapi/${name}.json">OpenAPI 3.1</a>, <a href="/docs/${name}.md">Markdown</a>.</p>
${groups.map(
  (group) =>
    html`${many && html`<h2 class="group">${group.title}</h2>`}${group.entries.map((entry) => entrySection(entry, many))}`,
)}`,
  }
}

function entrySection(entry: Entry, nested: boolean): Html {
  const heading = html`<a class="anchor" href="#${entry.id}">${entry.title}</a>`
  return html`
<section id="${entry.id}">
${nested ? html`<h3>${heading}</h3>` : html`<h2>${heading}</h2>`}
<p class="address"><code>${entry.address}</code></p>
${paragraphs(entry.description)}
${entry.requests.map((request) => requestPart(request, entry.requests.length > 1))}
${entry.answers.map(answerPart)}
${errorsPart(entry.errors)}
</section>`
}

function requestPart(request: EntryRequest, many: boolean): Html {
  const { title, description, fields, curl } = request
  return html`${(many || fields.length > 0) && html`<h4>${title}</h4>`}
${description !== '' && html`<p>${inline(description)}</p>`}
${fieldsTable(fields, { caption: title, showsRequired: true })}
<pre><code>${curl}</code></pre>`
}

function answerPart({ status, description, example, fields }: EntryAnswer): Html {
  return html`<h4>Answer <span class="status">${status}</span></h4>
${description !== '' && html`<p>${inline(description)}</p>`}
${example !== undefined && html`<pre><code>${JSON.stringify(example, null, 2)}</code></pre>`}
${
  fields.length > 0 &&
  html`<details><summary>Fields of the answer</summary>${fieldsTable(fields, {
    caption: 'Fields of the answer',
    showsRequired: false,
  })}</details>`
}`
}

function fieldsTable(
  fields: readonly FieldRow[],
  o: { caption: string; showsRequired: boolean },
): Html | undefined {
  if (fields.length === 0) return undefined
  return html`<div class="wide"><table class="stack">
<caption class="hidden">${o.caption}</caption>
<thead><tr><th scope="col">Field</th><th scope="col">Type</th><th scope="col">What it is</th></tr></thead>
<tbody>${fields.map(
    (field) =>
      html`<tr><th scope="row"><code>${field.name}</code>${
        o.showsRequired && !field.required && html` <span class="optional">optional</span>`
      }</th><td>${field.type}</td><td>${inline(field.description)}</td></tr>`,
  )}</tbody>
</table></div>`
}

function errorsPart(errors: readonly EntryError[]): Html | undefined {
  if (errors.length === 0) return undefined
  if (errors.every(({ text }) => text === '')) {
    return html`<h4>Errors</h4>
<ul class="errors">${errors.map(
      ({ status, when }) => html`<li><span class="status">${status}</span> ${withLinks(when)}</li>`,
    )}</ul>`
  }
  return html`<details><summary>Errors</summary><div class="wide"><table class="stack">
<caption class="hidden">Errors</caption>
<thead><tr><th scope="col">HTTP</th><th scope="col">Text</th><th scope="col">When</th></tr></thead>
<tbody>${errors.map(
    ({ status, text, when, code }) =>
      html`<tr><th scope="row">${status}</th><td>${
        code === undefined ? text : html`<a href="/errors/${code}">${text}</a>`
      }</td><td>${inline(when)}</td></tr>`,
  )}</tbody>
</table></div></details>`
}

/** ``404 `not_found` `` links to the page of that error. */
function withLinks(text: string): Html {
  return inline(text.replaceAll(/(\d{3} )`(\w+)`/g, '$1[`$2`](/errors/$2)'))
}
