/** For `node --test --test-global-setup=…`: one PostgreSQL for the whole run. */
import { startTestServer, type TestServer } from './postgres-server.ts'

let server: TestServer | undefined

export async function globalSetup(): Promise<void> {
  server = await startTestServer()
  process.env.PURSER_TEST_PG = JSON.stringify(server.connection)
}

export async function globalTeardown(): Promise<void> {
  await server?.stop()
}
