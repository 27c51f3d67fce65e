window.relay=window.relay||function(){(relay.q=relay.q||[]).push([Date.now(),arguments])};
