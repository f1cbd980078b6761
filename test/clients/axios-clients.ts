import axios, { type AxiosRequestConfig } from 'axios'
import type { Body, Client, ClientKind, ClientRequest, Reply } from './client.ts'

const CONTENT_TYPES = {
  urlencoded: 'application/x-www-form-urlencoded',
  multipart: 'multipart/form-data',
  json: 'application/json',
} as const

async function send(request: ClientRequest): Promise<Reply> {
  const { url, body, fields } = request
  const how: AxiosRequestConfig = { responseType: 'text', validateStatus: () => true }
  const answer =
    body === 'query'
      ? await axios.get(url, { ...how, params: fields, headers: { ...request.headers } })
      : await axios.post(url, fields, {
          ...how,
          headers: { 'Content-Type': CONTENT_TYPES[body], ...request.headers },
        })
  return {
    status: answer.status,
    type: String(answer.headers['content-type']),
    replayed: (answer.headers['idempotent-replayed'] as string | undefined) ?? null,
    text: String(answer.data),
  }
}

const client: Client = { send, async [Symbol.asyncDispose]() {} }

function kind(name: string, bodies: readonly Body[]): ClientKind {
  return { name, skip: false, bodies, start: async () => client }
}

/** Axios writes the same object as a form, as multipart or as JSON: lists as `orders[]`. */
export const axiosForm = kind('axios with a form', ['urlencoded', 'multipart', 'query'])
export const axiosJson = kind('axios with JSON', ['json'])
