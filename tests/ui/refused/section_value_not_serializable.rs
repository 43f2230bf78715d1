// A section's value has to be serializable, because it is shown as JSON.
use healthcheck::env_section;

struct Application;

#[env_section]
fn application() -> Application {
    Application
}

#[env_section]
async fn database() -> Result<Application, String> {
    Ok(Application)
}

fn main() {}
