// The live tail: a line of the relay's stream says that there is more, and the table is taken from the page itself.

import { heard } from './age.js'

const AGAIN_MS = 30_000
const table = () => document.querySelector('main section:last-of-type')
const pause = document.getElementById('pause')
let wanted = false
let asking = false
let loadedAt = performance.now()
let restsUntil = 0

const isPaused = () => pause.getAttribute('aria-pressed') === 'true'

const load = async () => {
  if (!wanted || asking || performance.now() < restsUntil || isPaused() || document.hidden) return
  if (!document.getSelection().isCollapsed || document.activeElement?.closest('main section:last-of-type')) return
  wanted = false
  asking = true
  try {
    const answer = await fetch(location.href, { cache: 'no-store', signal: AbortSignal.timeout(4000), headers: { accept: 'text/html' } })
    restsUntil = performance.now() + Number(answer.headers.get('relay-rest-ms'))
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html')
    table().replaceWith(fresh.querySelector('main section:last-of-type'))
    document.getElementById('age').replaceChildren(...fresh.getElementById('age').childNodes)
    loadedAt = performance.now()
    heard(fresh.getElementById('state'))
  } catch {
    wanted = true
  }
  asking = false
}

const source = new EventSource('/events/stream?bell')
source.onmessage = () => {
  wanted = true
  heard()
}
// Nothing has happened, and the relay is there to say so; what it says of itself may have changed meanwhile.
source.addEventListener('alive', () => {
  wanted ||= performance.now() - loadedAt > AGAIN_MS
  heard()
})
setInterval(load, 1000)

pause.hidden = false
pause.addEventListener('click', () => {
  pause.setAttribute('aria-pressed', String(!isPaused()))
  pause.textContent = isPaused() ? 'Go on' : 'Pause'
})
