import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Client, Reply } from './client.ts'

/**
 * A client in another language: a script that reads a request a line from its input, as JSON, and
 * writes what came back as a line.
 */
export function startScript(program: string, args: readonly string[]): Client {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async send(request) {
      child.stdin.write(`${JSON.stringify({ headers: {}, ...request })}\n`)
      const { value, done } = await lines.next()
      if (done) throw new Error(`${program} has ended`)
      return JSON.parse(value) as Reply
    },
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit')
      child.stdin.end()
      await ended
    },
  }
}
