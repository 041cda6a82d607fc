//! Stopping the whole system in the middle and starting it again over the same data.

use std::collections::HashMap;

use cotejo_tests::{World, order};
use jiff::SignedDuration;

#[tokio::test]
async fn a_system_stopped_at_any_step_and_started_again_finishes_every_process() {
    let dir = tempfile::tempdir().unwrap();
    let data = || Some(dir.path().to_owned());
    let mut ids = Vec::new();
    let mut now = cotejo_tests::start_of_time();
    // Each round creates a process, lets the system come a different way, and drops it there as a kill would.
    for round in 0..6 {
        let world = World::at(now, data(), HashMap::new()).await;
        ids.push(world.customer.create(&order("approved")).await.id());
        match round {
            0 => {}
            1 => drop(world.local.pump().await),
            2 => world.clock.advance(SignedDuration::from_secs(31)),
            3 => {
                world.clock.advance(SignedDuration::from_secs(31));
                world.local.sandbox().tick().await;
            }
            4 => {
                world.clock.advance(SignedDuration::from_secs(31));
                world.aws.crash("S3 PUT", cotejo_tests::When::After);
                tokio::select! {
                    _ = world.local.pump() => panic!("it ended before the crash"),
                    () = world.aws.crashed() => {}
                }
            }
            _ => world.pass(SignedDuration::from_secs(31)).await,
        }
        now = world.now() + SignedDuration::from_secs(1);
    }
    let world = World::at(now, data(), HashMap::new()).await;
    for id in &ids {
        let process = world.finish(id, 2).await;
        assert_eq!(process["status"], "approved");
        assert_eq!(world.check_pictures(&process).await, 3);
    }
    assert_eq!(world.local.sandbox().auco_processes().len(), ids.len());
}
