"""An all-to-all as a workload: `python examples/fabric/all_to_all.py NODES BYTES [steps]`.

Each of NODES nodes sends BYTES bytes to every other: all at once, or with `steps` one after the
other, each step to the next neighbour and once the step before has arrived.
"""

import sys

nodes, size = map(int, sys.argv[1:3])
in_steps = sys.argv[3:] == ["steps"]
print("id,source,destination,bytes,start,after")
for step in range(1, nodes):
    for node in range(nodes):
        after = f"s{step - 1}n{(node - step + 1) % nodes}" if in_steps and step > 1 else ""
        print(f"s{step}n{node},{node},{(node + step) % nodes},{size},0,{after}")
