// Turbo Drive swaps the body without a load; the script tag in the head stays.
import * as Turbo from '@hotwired/turbo';

Turbo.start();
document.documentElement.id = 'ready';
