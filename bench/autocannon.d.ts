declare module 'autocannon' {
  interface Request {
    method: string
    body: string
    headers: Record<string, string>
  }
  interface Options {
    url: string
    connections: number
    duration: number
    requests: {
      method: string
      setupRequest: (request: Request) => Request
    }[]
  }
  interface Result {
    '2xx': number
    non2xx: number
    errors: number
    timeouts: number
    duration: number
    latency: { p50: number; p99: number }
  }
  const autocannon: (options: Options) => Promise<Result>
  // biome-ignore lint/style/noDefaultExport: this is how autocannon exports itself.
  export default autocannon
}
