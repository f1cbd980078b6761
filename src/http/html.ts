/** A piece of HTML that is safe to send: whatever was put into it has been escaped. */
export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Piece = string | number | Html | readonly Piece[] | undefined | false

/** HTML from a template: texts and numbers are escaped, lists joined, `undefined` is nothing. */
export function html(parts: TemplateStringsArray, ...pieces: readonly Piece[]): Html {
  return new Html(
    parts.map((part, at) => part + (at < pieces.length ? textOf(pieces[at]) : '')).join(''),
  )
}

function textOf(piece: Piece): string {
  if (piece === undefined || piece === false) return ''
  if (piece instanceof Html) return piece.text
  if (typeof piece === 'string' || typeof piece === 'number') return escaped(String(piece))
  return piece.map(textOf).join('')
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
}

/** A text of ours: `code` in backticks becomes code, `[text](/path)` a link. */
export function inline(text: string): Html {
  const pieces = text.split(/(`[^`]+`|\[[^\]]+\]\([^)]+\))/)
  return html`${pieces.map((piece) => {
    if (piece.startsWith('`') && piece.length > 1) return html`<code>${piece.slice(1, -1)}</code>`
    const link = /^\[([^\]]+)\]\(([^)]+)\)$/.exec(piece)
    return link ? html`<a href="${link[2]}">${inline(link[1] ?? '')}</a>` : html`${piece}`
  })}`
}

/** Paragraphs, divided by empty lines. */
export function paragraphs(text: string): Html {
  return html`${text.split(/\n{2,}/).map((paragraph) => html`<p>${inline(paragraph)}</p>\n`)}`
}
