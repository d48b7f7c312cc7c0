"""A ring all-reduce as a workload: `python examples/fabric/ring_all_reduce.py NODES BYTES`.

Each of NODES nodes has a vector of BYTES bytes. In 2 * (NODES - 1) steps each sends a part of it to
its neighbour, once it has that part of the step before: first the sums go round, then the results.
"""

import sys

nodes, size = map(int, sys.argv[1:3])
print("id,source,destination,bytes,start,after")
for step in range(2 * (nodes - 1)):
    for node in range(nodes):
        part = (node - step) % nodes
        length = size * (part + 1) // nodes - size * part // nodes
        after = f"s{step - 1}n{(node - 1) % nodes}" if step else ""
        print(f"s{step}n{node},{node},{(node + 1) % nodes},{length},0,{after}")
