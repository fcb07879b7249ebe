import { decodeUtf8 } from '../encoding/bytes.ts'
import { parseJson } from '../encoding/json.ts'
import type { JsonValue } from '../encoding/json.ts'
import { MalformedError, RefusedError } from '../errors.ts'
import type { HttpResponse } from './http.ts'

/**
 * The JSON of an answer.
 *
 * @param service - for the message
 * @throws RefusedError SERVICE_ANSWER
 */
export function parseAnswer({ body }: HttpResponse, service: string): JsonValue {
  return readAnswer(service, () => {
    const text = decodeUtf8(body)
    if (text === undefined) throw new MalformedError('JSON_MALFORMED', 'it is not UTF-8')
    return parseJson(text, 'it')
  })
}

/** Runs a reader over a service's answer: what is malformed there is a wrong answer. */
export function readAnswer<T>(service: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
    throw new RefusedError('SERVICE_ANSWER', `${service} gave a wrong answer: ${error.message}`, {
      cause: error,
    })
  }
}
