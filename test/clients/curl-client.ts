import { missing, printed } from '../kit/program.ts'
import type { Client, ClientKind, ClientRequest, Reply } from './client.ts'

/** A list is written with commas, as people type it. */
function pairs({ fields }: ClientRequest): string[] {
  return Object.entries(fields).map(([name, value]) => `${name}=${[value].flat().join(',')}`)
}

function bodyArgs(request: ClientRequest): string[] {
  switch (request.body) {
    case 'query':
      return ['--get', ...pairs(request).flatMap((pair) => ['--data-urlencode', pair])]
    case 'urlencoded':
      return pairs(request).flatMap((pair) => ['--data-urlencode', pair])
    case 'multipart':
      return pairs(request).flatMap((pair) => ['--form-string', pair])
    case 'json':
      return [
        '--header',
        'Content-Type: application/json',
        '--data',
        JSON.stringify(request.fields),
      ]
  }
}

async function send(request: ClientRequest): Promise<Reply> {
  const headers = Object.entries(request.headers ?? {}).flatMap(([name, value]) => [
    '--header',
    `${name}: ${value}`,
  ])
  const output = await printed('curl', [
    ...['--silent', '--show-error', '--include', ...headers],
    ...bodyArgs(request),
    request.url,
  ])
  const end = output.indexOf('\r\n\r\n')
  const head = output.slice(0, end)
  const header = (name: string) => new RegExp(`^${name}: (.*?)\r?$`, 'im').exec(head)?.[1] ?? null
  return {
    status: Number(/^HTTP\/\S+ (\d+)/.exec(head)?.[1]),
    type: header('content-type'),
    replayed: header('idempotent-replayed'),
    text: output.slice(end + 4),
  }
}

const client: Client = { send, async [Symbol.asyncDispose]() {} }

/** The command. */
export const curlClient: ClientKind = {
  name: 'curl',
  skip: await missing('curl', { probe: ['--version'], name: 'curl' }),
  bodies: ['urlencoded', 'multipart', 'json', 'query'],
  start: async () => client,
}
