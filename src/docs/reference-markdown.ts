import type { Entry, Reference } from './reference.ts'
import type { FieldRow } from './shape.ts'

/** The same as the page, as Markdown: to read in a terminal, or to hand to a program. */
export function referenceMarkdown(reference: Reference): string {
  const { title, summary, description, groups, name } = reference
  const parts = [
    `# ${title}`,
    summary,
    description,
    `OpenAPI 3.1: \`/openapi/${name}.json\`. As a page: \`/docs/${name}\`.`,
  ]
  for (const group of groups) {
    if (groups.length > 1) parts.push(`## ${group.title}`)
    for (const entry of group.entries) parts.push(...entryParts(entry, groups.length > 1 ? 3 : 2))
  }
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

function entryParts(entry: Entry, level: number): string[] {
  const parts = [`${'#'.repeat(level)} ${entry.title}`, `\`${entry.address}\``, entry.description]
  for (const request of entry.requests) {
    if (entry.requests.length > 1) parts.push(`${'#'.repeat(level + 1)} ${request.title}`)
    parts.push(request.description)
    if (request.fields.length > 0) parts.push(fieldsTable(request.fields))
    parts.push(fenced('sh', request.curl))
  }
  for (const { status, description, example } of entry.answers) {
    parts.push(`Answer ${status}: ${description}`.trimEnd())
    if (example !== undefined) parts.push(fenced('json', JSON.stringify(example, null, 2)))
  }
  if (entry.errors.length > 0) {
    parts.push(
      entry.errors
        .map(({ status, text, when }) => `- ${status}${text === '' ? '' : ` \`${text}\``}: ${when}`)
        .join('\n'),
    )
  }
  return parts
}

function fieldsTable(fields: readonly FieldRow[]): string {
  const rows = fields.map(
    ({ name, type, required, description }) =>
      `| \`${name}\`${required ? '' : ' (optional)'} | ${type} | ${description.replaceAll('|', '\\|')} |`,
  )
  return ['| Field | Type | What it is |', '|---|---|---|', ...rows].join('\n')
}

function fenced(language: string, text: string): string {
  return `\`\`\`${language}\n${text}\n\`\`\``
}
