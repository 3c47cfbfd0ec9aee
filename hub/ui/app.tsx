import { render } from "preact";
import { EventList } from "./event-list.tsx";
import { follow, view } from "./live.ts";
import { Masthead } from "./masthead.tsx";
import { NeedsYou } from "./needs-you.tsx";
import { Runs } from "./run-card.tsx";
import { Sites } from "./sites.tsx";
import { VerbDialog } from "./verb-dialog.tsx";

function Page() {
  const fleet = view.value;
  return (
    <>
      <a class="skip" href="#sites">
        Skip to the sites
      </a>
      <Masthead />
      <main>
        {fleet === null ? (
          <p class="quiet">Waiting for the hub…</p>
        ) : (
          <>
            <NeedsYou fleet={fleet} />
            <Runs fleet={fleet} />
            <Sites fleet={fleet} />
            <EventList />
          </>
        )}
      </main>
      <VerbDialog />
    </>
  );
}

const root = document.getElementById("app");
if (root !== null) render(<Page />, root);
follow();
