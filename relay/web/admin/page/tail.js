'use strict'
// The live tail: a line of the relay's stream says that there is more, and the table is taken from the page itself.

const table = () => document.querySelector('main section:last-of-type')
const pause = document.getElementById('pause')
const age = document.getElementById('age')
const state = document.getElementById('state')
let wanted = false
let heard = performance.now()
let asking = false
let restsUntil = 0

const load = async () => {
  if (!wanted || asking || performance.now() < restsUntil || pause.getAttribute('aria-pressed') === 'true' || document.hidden) return
  if (!document.getSelection().isCollapsed || document.activeElement?.closest('main section:last-of-type')) return
  wanted = false
  asking = true
  try {
    const answer = await fetch(location.href, { cache: 'no-store', signal: AbortSignal.timeout(4000), headers: { accept: 'text/html' } })
    restsUntil = performance.now() + Number(answer.headers.get('relay-rest-ms'))
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html')
    table().replaceWith(fresh.querySelector('main section:last-of-type'))
    age.replaceChildren(...fresh.getElementById('age').childNodes)
    age.classList.remove('old')
  } catch {
    wanted = true
  }
  asking = false
}

const source = new EventSource('/events/stream?bell')
const noted = () => {
  wanted = true
  heard = performance.now()
}
source.onmessage = noted
source.onopen = () => { heard = performance.now() }
setInterval(load, 1000)
setInterval(() => {
  if (source.readyState === EventSource.OPEN) return
  if (performance.now() - heard < 8000) return
  age.classList.add('old')
  const text = 'The relay does not answer; what is below is old'
  if (state.textContent !== text) state.textContent = text
}, 1000)

pause.hidden = false
pause.addEventListener('click', () => {
  const paused = pause.getAttribute('aria-pressed') !== 'true'
  pause.setAttribute('aria-pressed', String(paused))
  pause.textContent = paused ? 'Go on' : 'Pause'
})
